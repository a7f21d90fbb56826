{{/* Labels of everything; `component` in a dict with `root`. */}}
{{- define "rotunda.labels" -}}
{{ include "rotunda.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{/* Labels by which pods are found; they never change. */}}
{{- define "rotunda.selector" -}}
app.kubernetes.io/name: rotunda
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* The labels that the operator gives the signaling pods. */}}
{{- define "rotunda.signalingSelector" -}}
app.kubernetes.io/name: rotunda
app.kubernetes.io/instance: {{ .Values.clusterName }}
app.kubernetes.io/component: signaling
{{- end }}

{{/* An image of ours: `name` in a dict with `root`. */}}
{{- define "rotunda.image" -}}
{{ .root.Values.images.registry }}/{{ .name }}:{{ include "rotunda.tag" .root }}
{{- end }}

{{- define "rotunda.tag" -}}
{{ .Values.images.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "rotunda.pullSecrets" -}}
{{- with .Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* What the restricted PodSecurity level asks of a pod that runs as user `.`. */}}
{{- define "rotunda.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* What it asks of a container, and that nothing of the image can be changed. */}}
{{- define "rotunda.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Host of publicURL, without its port. */}}
{{- define "rotunda.host" -}}
{{- $authority := (urlParse .Values.publicURL).host -}}
{{- regexReplaceAll ":[0-9]+$" $authority "" | trimPrefix "[" | trimSuffix "]" -}}
{{- end }}

{{/* The Secret with the certificate of publicURL. */}}
{{- define "rotunda.httpsSecret" -}}
{{- if eq .Values.https.source "Secret" }}{{ .Values.https.secretName }}{{ else }}rotunda-https{{ end -}}
{{- end }}

{{/* The name of signaling within the cluster. */}}
{{- define "rotunda.signalingHost" -}}
{{ .Values.clusterName }}-signaling.{{ .Release.Namespace }}.svc
{{- end }}

{{- define "rotunda.serviceType" -}}
{{ .Values.signaling.service.type | default (ternary "ClusterIP" "LoadBalancer" .Values.ingress.enabled) }}
{{- end }}

{{/* Names of the Secrets with URLs, empty where there is no such thing. */}}
{{- define "rotunda.redisSecret" -}}
{{ .Values.redis.secretName | default (ternary "rotunda-redis" "" .Values.redis.bundled) }}
{{- end }}

{{- define "rotunda.databaseSecret" -}}
{{ .Values.database.secretName | default (ternary "rotunda-database" "" .Values.database.bundled) }}
{{- end }}

{{- define "rotunda.apiKeysSecret" -}}
{{ .Values.auth.apiKeysSecretName | default "rotunda-api-keys" }}
{{- end }}

{{/* Keys of yours mean rooms that take tokens. A generated key is for the API: rooms stay Open, which is said. */}}
{{- define "rotunda.rooms" -}}
{{- $rooms := deepCopy .Values.rooms -}}
{{- if and (not .Values.auth.apiKeysSecretName) (not (dig "defaults" "access" "" $rooms)) -}}
{{- $rooms = merge (dict "defaults" (dict "access" "Open")) $rooms -}}
{{- end -}}
{{- toYaml $rooms -}}
{{- end }}

{{/* What the operator makes where it is missing, separated by commas: each is the Secret rotunda-<what>. */}}
{{- define "rotunda.generated" -}}
{{- $found := list -}}
{{- if not .Values.auth.apiKeysSecretName }}{{ $found = append $found "api-keys" }}{{ end -}}
{{- if eq (include "rotunda.databaseSecret" .) "rotunda-database" }}{{ $found = append $found "database" }}{{ end -}}
{{- if eq .Values.https.source "Generated" }}{{ $found = append $found "https" }}{{ end -}}
{{- if eq (include "rotunda.redisSecret" .) "rotunda-redis" }}{{ $found = append $found "redis" }}{{ end -}}
{{- join "," $found -}}
{{- end }}
