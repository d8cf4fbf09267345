{{/* One rule file with this installation's links, labels and left-out alerts. Usage: include "fittingroom.rules"
     (dict "root" $ "path" "files/alerts/x.yaml") */}}
{{- define "fittingroom.rules" -}}
{{- $settings := .root.Values.monitoring.rules -}}
{{- $groups := list -}}
{{- range (.root.Files.Get .path | fromYaml).groups -}}
{{- $group := . -}}
{{- $rules := list -}}
{{- range .rules -}}
{{- if not (has .alert $settings.disabledAlerts) -}}
{{- $rule := . -}}
{{- if .alert -}}
{{- $labels := mergeOverwrite (deepCopy .labels) $settings.alertLabels -}}
{{- $annotations := deepCopy .annotations -}}
{{- with $settings.runbookBaseUrl -}}
{{- $_ := set $annotations "runbook_url" (printf "%s/%s" (trimSuffix "/" .) (base $annotations.runbook_url)) -}}
{{- end -}}
{{- with $settings.grafanaUrl -}}
{{- $_ := set $annotations "dashboard_url" (printf "%s%s" (trimSuffix "/" .) $annotations.dashboard_url) -}}
{{- end -}}
{{- $rule = mergeOverwrite (deepCopy .) (dict "labels" $labels "annotations" $annotations) -}}
{{- end -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- end -}}
{{- with $rules -}}
{{- $groups = append $groups (mergeOverwrite (deepCopy $group) (dict "rules" .)) -}}
{{- end -}}
{{- end -}}
{{- toYaml (dict "groups" $groups) -}}
{{- end -}}
