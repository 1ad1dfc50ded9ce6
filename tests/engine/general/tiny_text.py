"""Tiny tokenizers, and random text encoders for them."""

import string

from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from transformers import (
    BertTokenizer,
    CLIPTextConfig,
    CLIPTokenizer,
    Gemma2Config,
    Gemma2Model,
    GemmaTokenizer,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen3Config,
    Qwen3ForCausalLM,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

LETTERS = sorted(string.ascii_lowercase)
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{{ message.content[0].text }}"
    "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


# Tokenizers


def clip_tokenizer():
    letters = sorted(ByteLevel.alphabet())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={token: at for at, token in enumerate(tokens)}, merges=[], model_max_length=77)


def t5_tokenizer():
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(letter, -3.0 - at / 100) for at, letter in enumerate(LETTERS)]
    return T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=77)


def qwen_tokenizer():
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    tokens = [*sorted(ByteLevel.alphabet()), *special]
    return Qwen2Tokenizer(vocab={token: at for at, token in enumerate(tokens)}, merges=[], chat_template=CHAT)


def glm_tokenizer():
    """Begins every text with a token of its own, so that none is empty; as GLM's does."""
    tokenizer = qwen_tokenizer()
    start = tokenizer.convert_tokens_to_ids("<|im_start|>")
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|im_start|> $A", special_tokens=[("<|im_start|>", start)]
    )
    return tokenizer


def gemma_tokenizer():
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "▁", *LETTERS]
    return GemmaTokenizer(vocab={token: at for at, token in enumerate(tokens)}, merges=[])


def bert_tokenizer():
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    return BertTokenizer(vocab={token: at for at, token in enumerate(tokens)}, model_max_length=77)


# Text encoders


def clip_config(width=32):
    return CLIPTextConfig(
        vocab_size=514,
        hidden_size=width,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=max(1, width // 64),
        projection_dim=width,
        hidden_act="quick_gelu",
        bos_token_id=512,
        eos_token_id=513,
    )


def t5(kind=T5EncoderModel, config=T5Config):
    return kind(
        config(
            vocab_size=64,
            d_model=32,
            d_kv=8,
            d_ff=37,
            num_layers=2,
            num_heads=4,
            feed_forward_proj="gated-gelu",
            is_encoder_decoder=False,
            use_cache=False,
        )
    )


def gemma():
    return Gemma2Model(
        Gemma2Config(
            head_dim=4,
            hidden_size=8,
            intermediate_size=8,
            num_attention_heads=2,
            num_hidden_layers=2,
            num_key_value_heads=2,
            vocab_size=64,
            attn_implementation="eager",
        )
    )


def qwen3(kind):
    return kind(
        Qwen3Config(
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=3,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=8,
            vocab_size=259,
            max_position_embeddings=1024,
        )
    )


def qwen_vl():
    text = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "vocab_size": 259,
        "rope_scaling": {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
        "rope_theta": 1000000.0,
    }
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16}
    tokens = {"vision_end_token_id": 2, "vision_start_token_id": 1, "vision_token_id": 0}
    return Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(text_config=text, vision_config=vision, **tokens)
    )


def t5_wide():
    """As wide as SD 3's tiny transformer wants: wider than both CLIPs together."""
    return T5EncoderModel(
        T5Config(
            vocab_size=64,
            d_model=128,
            d_kv=8,
            d_ff=37,
            num_layers=1,
            num_heads=4,
            feed_forward_proj="gated-gelu",
            is_encoder_decoder=False,
            use_cache=False,
        )
    )


def qwen3_deep():
    """As deep as Flux 2 [klein] reads: it takes what is said by the 9th, 18th and 27th layer."""
    config = Qwen3Config(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=27,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=259,
        max_position_embeddings=1024,
    )
    return Qwen3ForCausalLM(config)
