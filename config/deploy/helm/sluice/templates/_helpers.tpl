{{- define "sluice.labels" -}}
app.kubernetes.io/name: sluice
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "sluice.probe" -}}
{host: 127.0.0.1, port: {{ regexFind "[0-9]+$" .Values.settings.healthzBindAddress }}, path: {{ .path }}}
{{- end }}

{{/* An object of a file, with the namespace and labels of this release. */}}
{{- define "sluice.object" -}}
{{- $labels := merge (dict) .labels (include "sluice.labels" .root | fromYaml) }}
{{- $object := .root.Files.Get .file | fromYaml }}
{{- $metadata := merge (dict "namespace" .root.Release.Namespace "labels" $labels) $object.metadata }}
{{- set $object "metadata" $metadata | toYaml }}
{{- end }}
