{{/* The bot's environment: every secret by reference, none in the clear. */}}

{{- define "fittingroom.bot.env" -}}
{{- $bot := .Values.bot -}}
{{- $secret := include "fittingroom.slackSecret" . -}}
- name: FITTINGROOM_BOT_MODE
  value: {{ $bot.mode }}
- name: FITTINGROOM_BOT_COMMAND
  value: {{ $bot.command }}
- name: FITTINGROOM_LOG_LEVEL
  value: {{ $bot.logLevel }}
{{- if .Values.siteCatalog }}
- name: FITTINGROOM_SITE_CATALOG
  value: /etc/fittingroom/catalog/site.toml
{{- end }}
- name: FITTINGROOM_BOT_HOST
  value: "0.0.0.0"
- name: FITTINGROOM_BOT_PORT
  value: {{ $bot.service.port | quote }}
{{- with $bot.workspaces.clientId }}
- name: SLACK_CLIENT_ID
  value: {{ . | quote }}
{{ include "fittingroom.secretEnv" (dict "env" "SLACK_CLIENT_SECRET" "secret" $bot.workspaces.existingSecret "key" "SLACK_CLIENT_SECRET") }}
{{ include "fittingroom.secretEnv" (dict "env" "FITTINGROOM_TOKEN_KEYS" "secret" $bot.workspaces.existingSecret "key" "FITTINGROOM_TOKEN_KEYS") }}
{{- with $bot.workspaces.publicUrl }}
- name: FITTINGROOM_BOT_PUBLIC_URL
  value: {{ . | quote }}
{{- end }}
{{- else }}
{{ include "fittingroom.secretEnv" (dict "env" "SLACK_BOT_TOKEN" "secret" $secret "key" $bot.slack.botTokenKey) }}
{{- end }}
{{- if eq $bot.mode "socket" }}
{{ include "fittingroom.secretEnv" (dict "env" "SLACK_APP_TOKEN" "secret" $secret "key" $bot.slack.appTokenKey) }}
{{- else }}
{{ include "fittingroom.secretEnv" (dict "env" "SLACK_SIGNING_SECRET" "secret" $secret "key" $bot.slack.signingSecretKey) }}
{{- end }}
{{- with $bot.slack.apiUrl }}
- name: SLACK_API_URL
  value: {{ . | quote }}
{{- end }}
{{- with $bot.prometheusUrl }}
- name: PROMETHEUS_URL
  value: {{ . | quote }}
{{- end }}
{{- with $bot.exporterUrls }}
- name: FITTINGROOM_EXPORTER_URLS
  value: {{ toJson . | quote }}
{{- end }}
{{- if $bot.database.existingSecret }}
{{ include "fittingroom.secretEnv" (dict "env" "FITTINGROOM_DATABASE_URL" "secret" $bot.database.existingSecret "key" $bot.database.key) }}
{{- else }}
- name: FITTINGROOM_DATABASE_URL
  value: sqlite:////var/lib/fittingroom/bot.sqlite
{{- end }}
{{- if $bot.alerts.existingSecret }}
{{ include "fittingroom.secretEnv" (dict "env" "FITTINGROOM_ALERTS_TOKEN" "secret" $bot.alerts.existingSecret "key" $bot.alerts.key) }}
{{- with $bot.alerts.channel }}
- name: FITTINGROOM_ALERTS_CHANNEL
  value: {{ . | quote }}
{{- end }}
{{- with $bot.alerts.routes }}
- name: FITTINGROOM_ALERTS_ROUTES
  value: {{ join "," . | quote }}
{{- end }}
{{- end }}
{{- with $bot.api.existingSecret }}
{{ include "fittingroom.secretEnv" (dict "env" "FITTINGROOM_API_TOKEN" "secret" . "key" $bot.api.key) }}
{{- end }}
{{- if not $bot.hub.enabled }}
- name: FITTINGROOM_HUB
  value: "off"
{{- end }}
{{- with $bot.hub.existingSecret }}
{{ include "fittingroom.secretEnv" (dict "env" "HF_TOKEN" "secret" . "key" "HF_TOKEN") }}
{{- end }}
{{- with $bot.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "fittingroom.secretEnv" -}}
- name: {{ .env }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret }}
      key: {{ .key }}
{{- end -}}
