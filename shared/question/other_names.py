"""Names of models that a catalog may lack: never a misspelling of another model's name."""

from typing import Final

from shared.question.vocabulary import words

OTHER_MODELS: Final = words(
    """
airoboros alpaca apertus apriel aquila arctic aya bagel baichuan bark behemoth bert bloom bloomz cerebras chatglm
chatgpt claude codegeex codegemma codellama codegen codestral codeqwen cogagent cogito cogvlm cohere
comfyui commander cosmos dbrx deci deepcoder deepscaler devstral diffusion diffusiongemma dolly dolphin
dolphincoder embeddinggemma eurollm ernie exaone falcon firefunction flan flux functiongemma galactica
gemini glm goliath granite grok guanaco gptj gptneox helium hermes hunyuan internlm internvl janus jamba
kimi koala leo lfm lightgpt llava llada luminous magistral magnum mamba marco mathstral medgemma meditron
midnight miqu minicpm minimax minimaxm ministral minitron mistrallite molmo moondream moonlight mpt
mythomax mytho nemo nemotron nougat nous olmo olmoe openchat opencoder openhermes openthinker opt orca
orpheus ovis paligemma palmyra persimmon phind pixtral platypus pythia qwopus qwq recurrentgemma
redpajama reka rnj rwkv sailor salamandra samantha sarvam sdxl seamless shieldgemma skywork smaug smollm
solar sqlcoder stable stablecode stablelm stardust starchat starcoder starling sora stheno synthia
telechat tinyllama tiger translategemma tulu veo vicuna voxtral wan whisper wizard wizardcoder wizardlm
wizardmath xgen xwin yarn yi yuan zamba zephyr stablediffusion gpt gpts o1 o3
"""
)
