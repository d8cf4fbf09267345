// gguf-parser-go, asked as the adapters in Python are: questions on standard input, answers on standard output.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	parser "github.com/gpustack/gguf-parser-go"
)

const gib = 1 << 30

type question struct {
	ID             string `json:"id"`
	File           string `json:"gguf_file"`
	ContextTokens  int32  `json:"context_tokens"`
	UbatchTokens   int32  `json:"ubatch_tokens"`
	Sequences      int32  `json:"sequences"`
	KVType         string `json:"kv_type"`
	FlashAttention bool   `json:"flash_attention"`
	FullWindows    bool   `json:"swa_full"`
}

var cacheTypes = map[string]parser.GGMLType{
	"f16":  parser.GGMLTypeF16,
	"q8_0": parser.GGMLTypeQ8_0,
	"q4_0": parser.GGMLTypeQ4_0,
}

func ask(asked question) (answer map[string]any) {
	defer func() { // its own way of saying no
		if reason := recover(); reason != nil {
			answer = map[string]any{"none": fmt.Sprint(reason)}
		}
	}()
	if asked.File == "" {
		return map[string]any{"none": "it reads GGUF files, for llama.cpp"}
	}
	file, err := parser.ParseGGUFFile(asked.File)
	if err != nil {
		return map[string]any{"none": err.Error()}
	}
	kind, known := cacheTypes[asked.KVType]
	if !known {
		return map[string]any{"none": "it was not asked for a KV cache of type " + asked.KVType}
	}
	options := []parser.GGUFRunEstimateOption{
		parser.WithLLaMACppContextSize(asked.ContextTokens),
		parser.WithLLaMACppPhysicalBatchSize(asked.UbatchTokens),
		parser.WithParallelSize(asked.Sequences),
		parser.WithLLaMACppCacheKeyType(kind),
		parser.WithLLaMACppCacheValueType(kind),
	}
	if asked.FlashAttention {
		options = append(options, parser.WithFlashAttention())
	}
	if asked.FullWindows {
		options = append(options, parser.WithLLaMACppFullSizeSWACache())
	}
	gpu := file.EstimateLLaMACppRun(options...).Devices[1]
	return map[string]any{
		"weights": float64(gpu.Weight.Sum()) / gib,
		"kv":      float64(gpu.KVCache.Sum()) / gib,
		"rest":    float64(gpu.Computation.Sum()) / gib,
	}
}

func main() {
	var asked []question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		panic(err)
	}
	answers := map[string]any{}
	for _, one := range asked {
		answers[one.ID] = ask(one)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		panic(err)
	}
}
