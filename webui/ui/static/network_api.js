// What the page asks the server about LoRAs, embeddings and hypernetworks.

import { ask, query } from "./api.js";

const NETWORKS = "/api/v1/networks";
const named = ({ kind, name }) => query({ kind, name });

export const network = (model) => ask("GET", `${NETWORKS}?${named(model)}`);
export const changeNetwork = (model, values) => ask("PUT", `${NETWORKS}?${named(model)}`, values);
export const setPreview = (model, picture) => ask("POST", `${NETWORKS}/preview?${named(model)}`, { picture });
