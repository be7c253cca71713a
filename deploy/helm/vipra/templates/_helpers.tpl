{{- define "vipra.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "vipra.agent" -}}{{ include "vipra.fullname" . }}-agent{{- end -}}
{{- define "vipra.controller" -}}{{ include "vipra.fullname" . }}-controller{{- end -}}
{{- define "vipra.ca" -}}{{ include "vipra.controller" . }}-ca{{- end -}}

{{- define "vipra.tls" -}}
{{- .Values.controller.tls.existingSecret | default (printf "%s-tls" (include "vipra.controller" .)) -}}
{{- end -}}

{{- define "vipra.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* What names one component for ever: part of selectors, which cannot be changed. Arguments: context, component. */}}
{{- define "vipra.selector" -}}
{{- $context := index . 0 -}}
app.kubernetes.io/name: {{ $context.Chart.Name }}
app.kubernetes.io/instance: {{ $context.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{- define "vipra.labels" -}}
{{- $context := index . 0 -}}
{{ include "vipra.selector" . }}
app.kubernetes.io/version: {{ $context.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $context.Release.Service }}
{{- end -}}
