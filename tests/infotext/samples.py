# ruff: noqa: E501
"""200 texts in the shapes that are met: what people write, and what programs write below it."""

PROMPTS = (
    ("a cat", ""),
    ("masterpiece, best quality, 1girl, solo", "EasyNegative, bad-hands-5"),
    ("(photo of a (red:1.3) car:1.1), [blurry]", "(worst quality, low quality:1.4)"),
    ("a cat\non a mat\n\nin a hat", "two\nlines, of it"),
    ("<lora:add_detail:0.7>, <hypernet:x:1> portrait", "<lora:neg:-1>"),
    ("a AND b :1.2 AND c:-0.5", "d"),
    ("[cat:dog:0.5] [a|b|c] [x::10]", "[from:to:12]"),
    ("sunset BREAK over the sea, time: 12:30", "text: no"),
    ('she said "hello, world": smile', '"quoted"'),
    ("score_9, score_8_up, rating:safe, source_anime", "score_4, source_furry"),
    ("größer, naïve café, 東京の夜, 🌆", "低質量, плохо"),
    ("", "only a negative prompt"),
    ("", ""),
    ("trailing comma, ", ", leading comma"),
    ("a \\(series\\), b \\[c\\]", "\\(d\\)"),
    ("Steps: 20 up the stairs", "Sampler of cheeses"),
    ("{red|blue} __colour__ house", "{{strong}}"),
    ("C:\\pictures\\cat, 50% grey & white; 16:9", "a/b"),
    ("  indented\n\ttabbed", "spaces  inside"),
    ("a" * 400, "b, " * 100),
)

SETTINGS = (
    "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512",
    "Steps: 50, Sampler: LMS, CFG scale: 7.5, Seed: 42, Size: 512x512, Model hash: 7460a6fa",
    "Steps: 28, Sampler: DDIM, CFG scale: 11, Seed: 2870305590, Size: 512x768, Model hash: 925997e9, Eta: 0.5",
    "Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 3056398284, Size: 512x768, Model hash: 6ce0161689, "
    "Model: v1-5-pruned-emaonly, Denoising strength: 0.7, Clip skip: 2, ENSD: 31337, Hires upscale: 2, "
    "Hires upscaler: Latent",
    "Steps: 30, Sampler: DPM++ SDE Karras, CFG scale: 8, Seed: 99, Face restoration: CodeFormer, Size: 640x384, "
    "Model hash: 4199bcdd14, Model: revAnimated_v122, Variation seed: 5, Variation seed strength: 0.2, "
    "Seed resize from: 512x512",
    "Steps: 25, Sampler: DPM++ 2M SDE Karras, CFG scale: 6, Seed: 1688423, Size: 1024x1024, Model hash: 31e35c80fc, "
    "Model: sd_xl_base_1.0, VAE hash: 63aeecb90f, VAE: sdxl_vae.safetensors, Refiner: sd_xl_refiner_1.0 [7440042bbd], "
    'Refiner switch at: 0.8, Lora hashes: "offset: 7ca3a1b2c4d5, x: 0011223344ff", Version: v1.6.0',
    "Steps: 20, Sampler: UniPC, CFG scale: 7, Seed: 4, Size: 768x768, Model hash: ad2a33c361, "
    "Model: v2-1_768-ema-pruned, RNG: CPU, Tiling: True, Version: v1.7.0",
    "Steps: 35, Sampler: DPM++ 3M SDE Exponential, CFG scale: 5, Seed: 777, Size: 832x1216, Model hash: e6bb9ea85b, "
    'Model: ponyDiffusionV6XL, TI hashes: "negativeXL_D: fff5d51ab655", Version: v1.8.0-RC',
    "Steps: 24, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 4.5, Seed: 8, Size: 896x1152, "
    "Model hash: 1f69731261, Model: juggernautXL_v9, Emphasis: No norm, Version: v1.9.4",
    "Steps: 20, Sampler: Euler, Schedule type: SGM Uniform, CFG scale: 2, Seed: 10, Size: 1024x1024, "
    "Model hash: 5ba89b2d3e, Model: sdxl_lightning_4step, Noise Schedule: Zero Terminal SNR, Version: v1.10.1",
    "Steps: 20, Sampler: DPM2 a, Schedule type: Automatic, CFG scale: 7.0, Seed: 12, Size: 512x512, NGMS: 1, "
    "Sigma churn: 2, Sigma noise: 1.01, Schedule max sigma: 14, Schedule rho: 7, Skip Early CFG: 0.1, "
    "Discard penultimate sigma: True, Version: v1.10.1-amd-5-gd8b7380b",
    "Steps: 20, Sampler: Euler a, Schedule type: Automatic, CFG scale: 7, Seed: 321, Size: 512x512, "
    'Model hash: 6ce0161689, Model: v1-5, ControlNet 0: "Module: canny, Model: control_v11p_sd15_canny [d14c016b], '
    'Weight: 1.0, Resize Mode: Crop and Resize", ADetailer model: face_yolov8n.pt, ADetailer confidence: 0.3, '
    "ADetailer version: 24.5.1, Version: v1.9.3",
    "Steps: 20, Sampler: Euler, Schedule type: Simple, CFG scale: 1, Distilled CFG Scale: 3.5, Seed: 2501, "
    "Size: 896x1152, Model hash: 2d5dd6d8cd, Model: flux1-dev-bnb-nf4-v2, Version: f2.0.1v1.10.1-previous-313-g8a04293",
    "Steps: 30, Sampler: DPM++ 2M SDE, Schedule type: Align Your Steps, CFG scale: 5, Seed: 13, Size: 1024x1536, "
    "Model hash: 67ab2fd8ec, Model: dreamshaperXL, freeu_enabled: True, freeu_b1: 1.3, freeu_b2: 1.4, freeu_s1: 0.9, "
    "freeu_s2: 0.2, Module 1: sdxl_vae, Version: f0.0.17v1.8.0rc-latest-277-g0af28699",
    "Steps: 32, Sampler: Euler a, Schedule type: Beta, CFG scale: 6, Seed: 14, Size: 1216x832, Model: noobai, "
    "Model hash: ea349eeae8, Beta schedule alpha: 0.5, Beta schedule beta: 0.7, Version: neo",
    "Steps: 20, Size: 1312x1408, Sampler: Euler a, Seed: 1561296656, CFG scale: 6, CFG rescale: 0.7, "
    "Model: hassakuXLIllustrious_v21fix, Model hash: 847403d47a, App: SD.Next, Version: 8b73cb6, "
    "Pipeline: StableDiffusionXLPipeline, Operations: txt2img",
    "Steps: 10, Size: 256x256, Sampler: DPM++ SDE, Scheduler: Foo, Seed: 666, CFG scale: 15.7, CFG end: 0.3, "
    "App: SD.Next, Parser: a1111, Model: SDXL_17, Model hash: 335da0800c",
    "Steps: 25, Sampler: DPM++ 2M Karras, CFG scale: 7, Seed: 639466906, Size: 832x1216, Clip skip: 2, "
    'Created Date: 2024-10-07T1023:44Z, Civitai resources: [{"type":"checkpoint","modelVersionId":290640,'
    '"modelName":"Pony, V6"},{"type":"lora","weight":0.8,"modelVersionId":1}], Civitai metadata: {}',
    "Steps: 30, Sampler: DPM++ 2M SDE Karras, Seed: 5551, Size: 1152x896, CFG scale: 4, Sharpness: 2, "
    'ADM Guidance: "(1.5, 0.8, 0.3)", Model hash: aeb7e9e689, Model: juggernautXL_v8Rundiffusion, '
    "Performance: Speed, Scheduler: karras, VAE: Default (model), Version: Fooocus v2.4.3",
    'Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 21, Size: 512x512, Model hash: 6ce0161689, Model: "a, b: c", '
    'Hashes: {"model": "6ce0161689", "lora:x": "aa"}, Token merging ratio: 0.3, User: "Ada, L.", Version: v1.5.1',
)

PER_SETTINGS = 10
SAMPLES = tuple(
    (*PROMPTS[(place + turn * 3) % len(PROMPTS)], line)
    for place, line in enumerate(SETTINGS)
    for turn in range(PER_SETTINGS)
)
"""(prompt, negative prompt, settings)."""


def text_of(prompt, negative, line):
    below = f"\nNegative prompt: {negative}" if negative else ""
    return f"{prompt}{below}\n{line}".strip()
