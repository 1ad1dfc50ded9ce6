// What the page says of models, in words.

const FAMILIES = { sd1: "SD 1.5", sd2: "SD 2", sdxl: "SDXL", "sdxl-refiner": "SDXL refiner", sd3: "SD 3", flux: "Flux" };
const VARIANTS = { inpaint: "inpainting", pix2pix: "pix2pix" };

// The groups of the Models tab: the folder says where such files go.
export const GROUPS = [
  { name: "Checkpoints", one: "checkpoint", kinds: ["checkpoint"], folder: "models/Stable-diffusion" },
  { name: "VAE", one: "VAE", kinds: ["vae"], folder: "models/VAE" },
  { name: "LoRA", one: "LoRA", kinds: ["lora"], folder: "models/Lora" },
  {
    name: "ControlNet",
    one: "ControlNet",
    kinds: ["controlnet", "t2i-adapter", "ip-adapter"],
    folder: "models/ControlNet",
  },
  { name: "Embeddings", one: "embedding", kinds: ["embedding"], folder: "models/embeddings" },
  { name: "Hypernetworks", one: "hypernetwork", kinds: ["hypernetwork"], folder: "models/hypernetworks" },
  { name: "Upscalers", one: "upscaler", kinds: ["upscaler"], folder: "models/ESRGAN" },
  {
    name: "Other",
    one: "other file",
    kinds: ["clip-vision", "annotator", "text-encoder", "diffusion-model", "other"],
    folder: "models/clip_vision, models/annotators, models/text_encoder or models/diffusion_models",
  },
];

const KINDS = {
  checkpoint: "Checkpoint",
  vae: "VAE",
  lora: "LoRA",
  controlnet: "ControlNet",
  "t2i-adapter": "T2I-Adapter",
  "ip-adapter": "IP-Adapter",
  "clip-vision": "CLIP image encoder",
  annotator: "Preprocessor's network",
  embedding: "Embedding",
  hypernetwork: "Hypernetwork",
  upscaler: "Upscaler",
  "text-encoder": "Text encoder",
  "diffusion-model": "UNet or transformer alone",
  tokenizer: "Tokenizer",
  other: "Unknown file",
};

export const kindName = (kind) => KINDS[kind] ?? kind;
export const kindNames = KINDS;

// "other": what diffusers calls the pipeline, without the word.
export const familyName = ({ family, pipeline = "" }) => FAMILIES[family] ?? pipeline.replace(/Pipeline$/, "");
export const variantName = ({ variant }) => VARIANTS[variant] ?? "";

// Without folders and the extension.
export const shortName = ({ name, folder }) => {
  const last = name.split("/").at(-1);
  return folder ? last : last.replace(/\.(safetensors|ckpt|pth?|bin|gguf)$/i, "");
};

export const firstLine = (text) => text.trim().split("\n")[0];

export function facts(model) {
  const known = [familyName(model), variantName(model), model.size ? fileSize(model.size) : "", model.dtype];
  return known.filter(Boolean).join(" · ");
}

// Files in thousands, as the Hub and shops tell them; memory in 1024s, as in the settings.
export const fileSize = (count) => sized(count, 1000, ["bytes", "kB", "MB", "GB", "TB"]);
export const memorySize = (count) => sized(count, 1024, ["bytes", "KiB", "MiB", "GiB", "TiB"]);

function sized(count, base, units) {
  let [value, unit] = [count, 0];
  for (; value >= base && unit < units.length - 1; unit++) value /= base;
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${units[unit]}`;
}
