"""Image prompts: what a picture shows, heard beside the prompt (IP-Adapter; Ye et al., arXiv:2308.06721)."""
