// What the page asks the server of control units.

import { ask, query } from "./api.js";

const CONTROL = "/api/v1/control";

export const preprocessors = () => ask("GET", `${CONTROL}/preprocessors`);
export const controlTypes = (checkpoint) => ask("GET", `${CONTROL}/types?${query({ checkpoint })}`);
export const previewMap = (wish, signal) => ask("POST", `${CONTROL}/preview`, wish, signal);
