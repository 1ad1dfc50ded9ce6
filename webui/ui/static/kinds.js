// Which tab a job belongs to, as kind_of in tabs.py tells.

const OUTPAINT = ["outpaint_left", "outpaint_up", "outpaint_right", "outpaint_down"];

export function kindOf(params) {
  if (params.extras) return "extras";
  if (!params.init_images?.length && !params.init_folder) return "txt2img";
  const masked = params.init_images?.length && (params.mask || OUTPAINT.some((side) => params[side]));
  return masked ? "inpaint" : "img2img";
}
