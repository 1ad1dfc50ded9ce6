// Whether a text holds generation parameters.

const LONGEST = 2 ** 20; // of a text that is looked through
const SETTINGS = /^[ \t]*Steps: *\d+,[^\n]*\b(?:Sampler|Seed|CFG scale|Size|Model):/m;

export const looksLikeInfotext = (text) => text.length <= LONGEST && SETTINGS.test(text);
