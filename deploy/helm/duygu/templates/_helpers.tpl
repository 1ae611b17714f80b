{{/* The beginning of all names: a label of DNS that begins with a letter, as a Service needs. With the longest suffix,
"keda-hpa-" and "-worker-streams" of KEDA, it has at most 63 characters; a hash keeps shortened names apart. */}}
{{- define "duygu.name" -}}
{{- $name := .Release.Name | replace "." "-" }}
{{- if not (contains .Chart.Name $name) }}{{ $name = printf "%s-%s" $name .Chart.Name }}{{ end }}
{{- if not (regexMatch "^[a-z]" $name) }}{{ $name = printf "%s-%s" .Chart.Name $name }}{{ end }}
{{- if gt (len $name) 39 }}{{ $name = printf "%s-%s" ($name | trunc 30 | trimSuffix "-") ($name | sha256sum | trunc 8) }}{{ end }}
{{- $name }}
{{- end }}

{{/* A value as a quoted string. `quote` alone writes numbers from 1000000 on as 1e+06. */}}
{{- define "duygu.text" -}}
{{ kindIs "string" . | ternary . (toJson .) | quote }}
{{- end }}

{{- define "duygu.labels" -}}
app.kubernetes.io/part-of: duygu
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "duygu.meta" -}}
{{ include "duygu.labels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "duygu.tag" -}}
{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "duygu.redisUrl" -}}
{{- if .Values.redis.enabled }}redis://{{ include "duygu.name" . }}-redis:6379/0
{{- else }}{{ required "redis.url is needed with redis.enabled=false" .Values.redis.url }}{{ end }}
{{- end }}

{{- define "duygu.liveRedisUrl" -}}
{{- if .Values.redis.enabled }}redis://{{ include "duygu.name" . }}-redis-live:6379/0
{{- else }}{{ required "redis.liveUrl is needed with redis.enabled=false" .Values.redis.liveUrl }}{{ end }}
{{- end }}

{{/* Security of a pod; the argument is the user id. */}}
{{- define "duygu.podSecurity" -}}
automountServiceAccountToken: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ . }}
  runAsGroup: {{ . }}
  fsGroup: {{ . }}
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "duygu.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "duygu.pull" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Restarts pods when the settings change. */}}
{{- define "duygu.settingsHash" -}}
checksum/settings: {{ include (print .Template.BasePath "/settings.yaml") . | sha256sum }}
{{- end }}

{{/* Probes of a worker; the argument is its queue. */}}
{{- define "duygu.workerProbes" -}}
startupProbe:
  exec: {command: [python, -m, duygu.services.worker.health, {{ . }}]}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 12
livenessProbe:
  exec: {command: [python, -m, duygu.services.worker.health, {{ . }}]}
  periodSeconds: 30
  timeoutSeconds: 5
  failureThreshold: 10
{{- end }}
