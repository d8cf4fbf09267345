{{/* The exporter's environment, mounts and volumes: each switch in one place. */}}

{{- define "fittingroom.exporter.env" -}}
{{- $exporter := .Values.exporter -}}
- name: FITTINGROOM_EXPORTER_NODE
  valueFrom:
    fieldRef:
      fieldPath: spec.nodeName
- name: FITTINGROOM_EXPORTER_LISTEN_ADDRESS
  value: "0.0.0.0"
- name: FITTINGROOM_EXPORTER_PORT
  value: {{ $exporter.service.port | quote }}
- name: FITTINGROOM_EXPORTER_POLL_INTERVAL_SECONDS
  value: {{ $exporter.settings.pollIntervalSeconds | quote }}
- name: FITTINGROOM_EXPORTER_POLL_TIMEOUT_SECONDS
  value: {{ $exporter.settings.pollTimeoutSeconds | quote }}
- name: FITTINGROOM_EXPORTER_MAX_AGE_SECONDS
  value: {{ $exporter.settings.maxAgeSeconds | quote }}
- name: FITTINGROOM_EXPORTER_ENGINE_APIS
  value: {{ $exporter.settings.engineApis | quote }}
- name: FITTINGROOM_EXPORTER_SERIES_LIMIT
  value: {{ $exporter.settings.seriesLimit | int | quote }}
- name: FITTINGROOM_EXPORTER_LOG_LEVEL
  value: {{ $exporter.settings.logLevel }}
- name: FITTINGROOM_EXPORTER_LOG_FORMAT
  value: {{ $exporter.settings.logFormat }}
{{- if $exporter.candidates }}
- name: FITTINGROOM_EXPORTER_CANDIDATES
  value: /etc/fittingroom/candidates/candidates.toml
{{- end }}
{{- if .Values.siteCatalog }}
- name: FITTINGROOM_EXPORTER_SITE_CATALOG
  value: /etc/fittingroom/catalog/site.toml
{{- end }}
{{- if $exporter.simulate }}
- name: FITTINGROOM_EXPORTER_SIMULATE
  value: {{ ternary "default" "/etc/fittingroom/simulate/node.toml" (eq $exporter.simulate "default") }}
{{- end }}
{{- if $exporter.web.existingSecret }}
- name: FITTINGROOM_EXPORTER_WEB_CONFIG
  value: /etc/fittingroom/web/{{ $exporter.web.key }}
{{- end }}
{{- if $exporter.podResources.enabled }}
- name: FITTINGROOM_EXPORTER_POD_RESOURCES_SOCKET
  value: /var/lib/kubelet/pod-resources/kubelet.sock
{{- end }}
{{- if eq $exporter.gpuAccess "env" }}
- name: NVIDIA_VISIBLE_DEVICES
  value: all
{{- end }}
{{- if ne $exporter.gpuAccess "none" }}
- name: NVIDIA_DRIVER_CAPABILITIES
  value: utility # NVML and nothing else
{{- end }}
{{- if $exporter.mig.monitor }}
- name: NVIDIA_MIG_MONITOR_DEVICES
  value: all
{{- end }}
{{- with $exporter.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "fittingroom.exporter.mounts" -}}
{{- $exporter := .Values.exporter -}}
{{- if $exporter.candidates }}
- name: candidates
  mountPath: /etc/fittingroom/candidates
  readOnly: true
{{- end }}
{{- if .Values.siteCatalog }}
- name: catalog
  mountPath: /etc/fittingroom/catalog
  readOnly: true
{{- end }}
{{- if not (has $exporter.simulate (list "" "default")) }}
- name: simulate
  mountPath: /etc/fittingroom/simulate
  readOnly: true
{{- end }}
{{- if $exporter.web.existingSecret }}
- name: web
  mountPath: /etc/fittingroom/web
  readOnly: true
{{- end }}
{{- if $exporter.podResources.enabled }}
- name: pod-resources
  mountPath: /var/lib/kubelet/pod-resources
  readOnly: true
{{- end }}
{{- if eq $exporter.gpuAccess "volume-mounts" }}
- name: all-gpus
  mountPath: /var/run/nvidia-container-devices/all
{{- end }}
{{- with $exporter.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "fittingroom.exporter.volumes" -}}
{{- $exporter := .Values.exporter -}}
{{- if $exporter.candidates }}
- name: candidates
  configMap:
    name: {{ include "fittingroom.fullname" . }}-exporter
    items: [{key: candidates.toml, path: candidates.toml}]
{{- end }}
{{- if .Values.siteCatalog }}
- name: catalog
  configMap:
    name: {{ include "fittingroom.fullname" . }}-catalog
{{- end }}
{{- if not (has $exporter.simulate (list "" "default")) }}
- name: simulate
  configMap:
    name: {{ include "fittingroom.fullname" . }}-exporter
    items: [{key: node.toml, path: node.toml}]
{{- end }}
{{- if $exporter.web.existingSecret }}
- name: web
  secret:
    secretName: {{ $exporter.web.existingSecret }}
    defaultMode: 0444
{{- end }}
{{- if $exporter.podResources.enabled }}
- name: pod-resources
  hostPath:
    path: {{ $exporter.podResources.hostPath }}
    type: Directory
{{- end }}
{{- if eq $exporter.gpuAccess "volume-mounts" }}
# The container toolkit reads the mount's path, not its content.
- name: all-gpus
  hostPath:
    path: /dev/null
{{- end }}
{{- with $exporter.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
