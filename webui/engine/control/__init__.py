"""What steers a UNet by pictures: ControlNets, T2I-Adapters, Control-LoRAs, and reference pictures."""
