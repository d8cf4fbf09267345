{{/* Names, labels and security contexts that more than one object uses. */}}

{{- define "fittingroom.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "fittingroom.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "fittingroom.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "fittingroom.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Usage: include "fittingroom.labels" (dict "root" $ "component" "bot") */}}
{{- define "fittingroom.selectorLabels" -}}
app.kubernetes.io/name: {{ include "fittingroom.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "fittingroom.labels" -}}
{{ include "fittingroom.selectorLabels" . }}
app.kubernetes.io/part-of: fittingroom
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Usage: include "fittingroom.image" (dict "root" $ "image" .Values.bot.image) */}}
{{- define "fittingroom.image" -}}
{{- $repository := .image.repository -}}
{{- with .root.Values.image.registry -}}{{- $repository = printf "%s/%s" . $repository -}}{{- end -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (default .root.Chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "fittingroom.imagePullSecrets" -}}
{{- with .Values.imagePullSecrets -}}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "fittingroom.serviceAccountName" -}}
{{- $account := (index .root.Values .component).serviceAccount -}}
{{- if $account.create -}}
{{- default (printf "%s-%s" (include "fittingroom.fullname" .root) .component) $account.name -}}
{{- else -}}
{{- default "default" $account.name -}}
{{- end -}}
{{- end -}}

{{/* Pod security "restricted". The image's user is 65532 and owns nothing. */}}
{{- define "fittingroom.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "fittingroom.securityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* `over` put key by key on `base`, as YAML. Not sprig's merge, which takes false and 0 for absent. */}}
{{- define "fittingroom.overlay" -}}
{{- $result := deepCopy .base -}}
{{- range $key, $value := .over -}}{{- $_ := set $result $key $value -}}{{- end -}}
{{- toYaml $result -}}
{{- end -}}

{{/* The exporter needs uid 0 for two switches only: the kubelet's socket belongs to root, and MIG monitoring is
     granted by the driver to root with CAP_SYS_ADMIN. */}}
{{- define "fittingroom.exporter.podSecurityContext" -}}
{{- $context := include "fittingroom.podSecurityContext" . | fromYaml -}}
{{- $context = omit $context "fsGroup" "fsGroupChangePolicy" -}}
{{- if or .Values.exporter.podResources.enabled .Values.exporter.mig.monitor -}}
{{- $_ := set $context "runAsNonRoot" false -}}
{{- $_ := set $context "runAsUser" 0 -}}
{{- $_ := set $context "runAsGroup" 0 -}}
{{- end -}}
{{- include "fittingroom.overlay" (dict "base" $context "over" .Values.exporter.podSecurityContext) -}}
{{- end -}}

{{- define "fittingroom.exporter.securityContext" -}}
{{- $context := include "fittingroom.securityContext" . | fromYaml -}}
{{- if .Values.exporter.mig.monitor -}}
{{- $_ := set $context.capabilities "add" (list "SYS_ADMIN") -}}
{{- $_ := unset $context "allowPrivilegeEscalation" -}}
{{- end -}}
{{- include "fittingroom.overlay" (dict "base" $context "over" .Values.exporter.securityContext) -}}
{{- end -}}

{{- define "fittingroom.slackSecret" -}}
{{- default (printf "%s-slack" (include "fittingroom.fullname" .)) .Values.bot.slack.existingSecret -}}
{{- end -}}

{{/* SQLite on a volume is one writer: no second pod, no overlap while rolling. */}}
{{- define "fittingroom.bot.usesVolume" -}}
{{- if and .Values.bot.persistence.enabled (not .Values.bot.database.existingSecret) -}}true{{- end -}}
{{- end -}}

{{/* The port in an address, or the port its scheme means. */}}
{{- define "fittingroom.portOf" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) -}}
{{- default (ternary "443" "80" (eq $url.scheme "https")) $port -}}
{{- end -}}
