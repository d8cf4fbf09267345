{{/* What ServiceMonitor and PodMonitor say of one endpoint. `job` and `node` are fixed here, because the rules and the
     dashboards go by them. */}}

{{- define "fittingroom.endpoint" -}}
{{- $monitor := .root.Values.monitoring.serviceMonitor -}}
port: {{ .port }}
path: /metrics
interval: {{ $monitor.interval }}
scrapeTimeout: {{ $monitor.scrapeTimeout }}
honorLabels: false
{{- if eq .component "exporter" }}
scheme: {{ ternary "https" "http" .root.Values.exporter.web.tls }}
{{- with $monitor.tlsConfig }}
tlsConfig:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $monitor.basicAuth }}
basicAuth:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
relabelings:
  - targetLabel: job
    replacement: fittingroom-{{ .component }}
  - sourceLabels: [__meta_kubernetes_pod_node_name]
    targetLabel: node
  {{- range $name, $value := .root.Values.monitoring.targetLabels }}
  - targetLabel: {{ $name }}
    replacement: {{ $value | quote }}
  {{- end }}
  {{- with $monitor.relabelings }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $monitor.metricRelabelings }}
metricRelabelings:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
