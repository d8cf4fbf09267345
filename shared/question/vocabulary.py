"""Words that carry no fact in a question about models and GPUs, and words that only qualify a model's name."""

from typing import Final


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


NOISE: Final = words(
    """
ollama vllm sglang llamafile llamacpp llama-cpp founders strix asus evga msi gigabyte zotac pny oc edition
ai ibm alibaba moonshot tencent baidu decoding speculative en una uno sur auf de la el les des du al por
est sont fait faire tourne sul sulla python docker compose curl bash sudo pip a about above across actual
actually add address advice after again against all alone along already also although always am among
amount an and annoying another answer any anybody anymore anyone anything anyway appreciate appreciated
are aren't around as ask asked asking asks at available average away back bad badly barely be because
been before behind being below best better between big bigger biggest bit both boss bought box brand
bring btw budget build building built bunch business but buy buying by call calling came can can't cannot
capable card cards care case cause chance chat chatbot cheap cheaper cheapest check choice choices choose
client clients clock close cloud cluster coding colleague colleagues com come comfortable comfortably
comfy company comparable compare compared comparison complete completely computer computers concurrency
concurrent config configuration configure confirm connected consider consumer context could couldn't
couple course cost costs cpu crash crashes crashing cuda curious current currently customer customers
daily damn data datacenter day deal decent decide decode default define definitely deploy deployed
deploying deployment desktop dev developer developers developing did didn't difference different do
document documents does doesn't doing don't done down download downloaded drop due during each easily
easy edge effective effort eight either else employees end engine engineer engineers enough ensure entire
environment error especially estimate estimated even ever every everybody everyone everything exactly
example expect expected experience explain extra fail fails fair family fast faster fastest fear feasible
feel few figure file files final find fine finetune finetuned first fit fits fitting fitted five
flawlessly fleet folks for forget found four free from front full fully further future game gaming
garbage gb gen general generally generate generating generation get gets getting gib gigs give given
gives go goes going good gonna gotta gpu gpus graphic graphics great guess guide guys had half handle
handles handling happen happens hard hardware has hasn't have haven't having he hear heavy hello help her
here hey hi high higher him his hit hold holding home homelab host hosted hosting hours how however huge
hundred i i'd i'll i'm i've idea ideal if im image impossible in include including inference info
information input inside install installed instance instances instead integrated interactive interested
into is isn't issue it it'll it's its itself job jobs just keep kind kinda know large larger largest last
latency later latest launch layer layers least leave left length less let let's lets level life like
limit limited link linux list little ll llm llms load loaded loading loads local locally long longer look
looking lot lots love low lower lowest luck mac machine machines made main make makes making manage many
mate math maximum max may maybe me mean means medium memory mention message met mid middle might min mind
mine minimum minimal model modell modelo models moderate modern moment money month monthly months more
most motherboard move much multi multiple must my myself native near nearly necessary need needed needing
needs network never new newer next nice nine no node nodes nor normal not note nothing now number o
obviously occur of off offline offload offloaded offloading often ok okay old older on once one ones only
onto oom open opinion option options or order org other others otherwise ought our ours out output over
overall overhead own owner owning page parallel part parts pass pay pc people per perf perfect perform
performance perhaps person personal physically pick piece plan planning platform play please plus point
poor possible possibly possibility power practical precision prefer prefill premise premises present
pretty price prices pro probably problem process prod production program project prompt prompts properly
provide purchase purpose put quality quant quantised quantization quantisation quantized quantize
question questions quick quickly quite rack rag ram ran range rather reach read ready real realistic
realistically really reason reasonable reasonably recommend recommendation recommended regular release
rent renting rental reply request requests require required requirement requirements requires response
rest result results rig right room rough roughly run running runnable runs said same say saying says
scale second seconds see seem seems self selfhost selfhosted sell send separate seq sequence sequences
serious serve served server servers serves serving session sessions set setting setup setups seven
several share she should shouldn't show side similar simple simply simultaneous simultaneously since
single sir sit site situation six size sized sizes slow slower slowly small smaller smallest smart so
software some somebody someone something sometimes somewhat soon sort sound spare spec specific specs
speed spend split stack start started stay still stop storage stuff such sufficient suggest suggestion
suggestions suitable super support supported supporting supports supposed sure swap sweet system systems
take takes taking talk target task tasks team tell ten tensor test tested testing than thank thanks that
that's the their them then there there's these they thing things think thinking this those though thought
three through throughput thx tight till time times tiny to today together token tokens told tomorrow too
took top total totally tps tried tries true try trying turn two type types under understand unfortunately
unified unit until up upgrade upto us usable usage use used useful user users uses using usual usually
value variant various version versions very via video vram wait want wanted wanting wants was wasn't watt
way ways we we're we've weak website week weight weights welcome well went were what what's whatever
whats when where whether which while who whole whom why wide will window windows wise wish with within
without woman won't wonder wondering word words work workable worked working workload workloads works
workstation world worth would wouldn't write wrong x y yeah year years yes yesterday yet you you'd you'll
you're you've your yours u ur r pls plz w wanna wich wat hw cfg params param parameter parameters approx
approximately vs versus unquantized unquantised bf fp kv ctx cache ada apple nvidia amd intel geforce
radeon rtx gtx rx quadro tesla laptop notebook mobile blackwell hopper ampere turing volta pascal
lovelace sxm pcie nvlink nvl hgx dgx hbm gddr macbook imac mini studio air rocm metal vulkan aws gcp
azure runpod lambda vast kubernetes k8s container pod slurm ubuntu wsl puis je puedo puede con cuanta
cuanto para peut peux avec pour combien kann ich mit wie viel brauche ein eine der die das und le un une
vgpu vgpus grid mig profile slice
tune tuned tuning train trained training scratch lora qlora sft dpo rlhf nvlinked slices chars pages
s t m k j b h o d e g l n p q translation translations translating
sitting idle rack racks shelf desk bought ordered order expect expecting
los es ist laufen lassen ejecutar correr tourner posso rodar em uma
"""
)

# words of model names that say which training or packaging, seldom which shape
SOFT: Final = words(
    """
qat autoround abliterated instruct it chat hf base pt gguf ggml meta model preview exp hybrid dynamic ud
imatrix mlx bnb awq gptq uncensored bf fp mtp mod openai google
"""
)

# words that tell models of one family apart but name none by themselves
QUALIFIER: Final = words(
    """
small medium large mini nano super ultra tiny lite pro plus max flash air next fast turbo coder code math
vision vl omni thinking reasoning reasoner reason think distill distilled moe dense preview instruct chat
base it embed embedding embeddings reranker guard long audio voice text vlm multimodal speech the of a on
to open research writing creative hybrid edge big little new deep x lightning speciale expert prover
tools function calling role play rp science medical mixed scale terminus oss rl rm sft dpo v
"""
)

# family words that are English too: they name a model only beside another part of its name
ENGLISH: Final = words(
    """
command step seed air next ring ling solar orca star falcon granite jet pixel titan hermes dots spark sky
agent alpha arabic beta camel cascade chimera cosmos danube foundation glimmer guardian inst intermediate intern jan
kat light linear lion lm mai med micro midnight mm muse multilingual neural ocr onevision orchestrator rumination
safeguard sea sec swallow swe thinker translate trinity ui venice wayfarer zeta
zero intellect dolphin phoenix opus stable stella nous marin
"""
)
