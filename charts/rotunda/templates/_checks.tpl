{{/*
What the values' schema cannot tell: each wrong combination ends with a sentence that names the value, says what is
accepted and, where it helps, gives an example.
*/}}
{{- define "rotunda.checks" -}}
{{- if not .Values.images.registry }}
{{- fail "\n\nimages.registry is required: no images are published yet. Build and push them with `make images push REGISTRY=registry.example.org/rotunda`, then --set images.registry=registry.example.org/rotunda\n" }}
{{- end }}
{{- include "rotunda.checkPublicURL" . }}
{{- include "rotunda.checkHttps" . }}
{{- include "rotunda.checkSignaling" . }}
{{- include "rotunda.checkMediaNodes" . }}
{{- include "rotunda.checkTurn" . }}
{{- include "rotunda.checkCluster" . }}
{{- end }}

{{- define "rotunda.checkPublicURL" -}}
{{- if not .Values.publicURL }}
{{- fail "\n\npublicURL is required: it is where people open the app, and join URLs begin with it. For example --set publicURL=https://meet.example.org\n" }}
{{- end }}
{{- if not (hasPrefix "https://" .Values.publicURL) }}
{{- fail (printf "\n\npublicURL is %q and must begin with https://, as browsers give no camera without HTTPS. For example https://meet.example.org\n" .Values.publicURL) }}
{{- end }}
{{- if not (regexMatch "^https://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])(:[0-9]+)?$" .Values.publicURL) }}
{{- fail (printf "\n\npublicURL is %q and must be https:// and a host, with a port where one is needed, and no path. For example https://meet.example.org:8443\n" .Values.publicURL) }}
{{- end }}
{{- end }}

{{- define "rotunda.checkHttps" -}}
{{- $https := .Values.https }}
{{- if and (eq $https.source "Secret") (not $https.secretName) }}
{{- fail "\n\nhttps.source is Secret, and https.secretName must name a Secret of type kubernetes.io/tls with the certificate of publicURL\n" }}
{{- end }}
{{- if and $https.secretName (ne $https.source "Secret") }}
{{- fail (printf "\n\nhttps.secretName is %q, which is used with https.source Secret only; https.source is %s\n" $https.secretName $https.source) }}
{{- end }}
{{- if eq $https.source "CertManager" }}
{{- if not $https.issuer.name }}
{{- fail "\n\nhttps.source is CertManager, and https.issuer.name must name an issuer of yours. For example --set https.issuer.name=letsencrypt\n" }}
{{- end }}
{{- if not (.Capabilities.APIVersions.Has "cert-manager.io/v1") }}
{{- fail "\n\nhttps.source is CertManager, but the cluster has no cert-manager (cert-manager.io/v1): install it first, or take https.source Generated or Secret\n" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rotunda.checkSignaling" -}}
{{- $service := .Values.signaling.service }}
{{- if and $service.nodePort (ne (include "rotunda.serviceType" .) "NodePort") }}
{{- fail (printf "\n\nsignaling.service.nodePort is %d, which needs signaling.service.type NodePort; it is %s\n" (int $service.nodePort) (include "rotunda.serviceType" .)) }}
{{- end }}
{{- if and (gt (int .Values.signaling.replicas) 1) (not (include "rotunda.redisSecret" .)) }}
{{- fail (printf "\n\nsignaling.replicas is %d and there is no Redis, without which people on different pods get none of each other's chat: let redis.bundled be true, name yours in redis.secretName, or set signaling.replicas=1\n" (int .Values.signaling.replicas)) }}
{{- end }}
{{- if .Values.ingress.enabled }}
{{- if regexMatch "^[0-9.]+$|:" (include "rotunda.host" .) }}
{{- fail (printf "\n\ningress.enabled needs a host name in publicURL, as an Ingress knows no addresses; it is %q\n" .Values.publicURL) }}
{{- end }}
{{- else if .Values.ingress.annotations }}
{{- fail "\n\ningress.annotations are given, but ingress.enabled is false\n" }}
{{- end }}
{{- end }}

{{- define "rotunda.checkMediaNodes" -}}
{{- $nodes := .Values.mediaNodes }}
{{- $least := get $nodes "min" | default 1 | int }}
{{- if hasKey $nodes "min" }}{{ $least = int $nodes.min }}{{ end }}
{{- $most := get $nodes "max" | default 10 | int }}
{{- if gt $least $most }}
{{- fail (printf "\n\nmediaNodes.min is %d and must not be greater than mediaNodes.max, which is %d\n" $least $most) }}
{{- end }}
{{- $network := get $nodes "network" | default dict }}
{{- $from := get $network "portFrom" | default 40000 | int }}
{{- $to := get $network "portTo" | default 40999 | int }}
{{- if gt $from $to }}
{{- fail (printf "\n\nmediaNodes.network.portFrom is %d and must not be greater than mediaNodes.network.portTo, which is %d\n" $from $to) }}
{{- end }}
{{- $workers := get (get $nodes "template" | default dict) "workers" | default 1 | int }}
{{- if lt (add1 (sub $to $from) | int) (add $workers 2 | int) }}
{{- fail (printf "\n\nmediaNodes.network.portFrom to portTo are %d ports and must be at least two more than mediaNodes.template.workers, which is %d: a media node takes one for each worker, one for gRPC and one for health\n" (add1 (sub $to $from) | int) $workers) }}
{{- end }}
{{- $people := get (get .Values.rooms "defaults" | default dict) "expectedParticipants" | default 0 | int }}
{{- $most := get (get .Values.rooms "defaults" | default dict) "maxParticipants" | default $people | int }}
{{- if gt $people $most }}
{{- fail (printf "\n\nrooms.defaults.expectedParticipants is %d and must not be greater than rooms.defaults.maxParticipants, which is %d\n" $people $most) }}
{{- end }}
{{- $space := get (get $nodes "capacity" | default dict) "participants" | default 500 | int }}
{{- if gt $people $space }}
{{- fail (printf "\n\nrooms.defaults.expectedParticipants is %d and must not be greater than mediaNodes.capacity.participants, which is %d, as no media node could take such a room\n" $people $space) }}
{{- end }}
{{- $announce := get $network "announce" | default "NodeInternalIP" }}
{{- if not (or (has $announce (list "NodeInternalIP" "NodeExternalIP")) (regexMatch "^[0-9]+(\\.[0-9]+){3}$|^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$" $announce)) }}
{{- fail (printf "\n\nmediaNodes.network.announce is %q and must be NodeInternalIP, NodeExternalIP or an IP address\n" $announce) }}
{{- end }}
{{- end }}

{{- define "rotunda.checkTurn" -}}
{{- $turn := .Values.turn }}
{{- $from := int $turn.relayPortFrom }}
{{- $to := int $turn.relayPortTo }}
{{- if gt $from $to }}
{{- fail (printf "\n\nturn.relayPortFrom is %d and must not be greater than turn.relayPortTo, which is %d\n" $from $to) }}
{{- end }}
{{- if eq (int $turn.port) (int $turn.tlsPort) }}
{{- fail (printf "\n\nturn.port and turn.tlsPort are both %d and must differ\n" (int $turn.port)) }}
{{- end }}
{{- $network := get .Values.mediaNodes "network" | default dict }}
{{- $first := get $network "portFrom" | default 40000 | int }}
{{- $last := get $network "portTo" | default 40999 | int }}
{{- range $name := list "port" "tlsPort" }}
{{- $port := get $turn $name | int }}
{{- if and $turn.enabled (lt $port 1024) }}
{{- fail (printf "\n\nturn.%s is %d and must be 1024 or above, as the TURN servers run without the privileges that lower ports need\n" $name $port) }}
{{- end }}
{{- if and (ge $port $from) (le $port $to) }}
{{- fail (printf "\n\nturn.%s is %d and must not be among turn.relayPortFrom to turn.relayPortTo, which are %d to %d\n" $name $port $from $to) }}
{{- end }}
{{- if and $turn.enabled (ge $port $first) (le $port $last) }}
{{- fail (printf "\n\nturn.%s is %d and must not be among the ports of media nodes, mediaNodes.network.portFrom to portTo, which are %d to %d\n" $name $port $first $last) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rotunda.checkCluster" -}}
{{- if or (gt (len .Values.clusterName) 40) (not (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" .Values.clusterName)) }}
{{- fail (printf "\n\nclusterName is %q and must be a DNS label of at most 40 characters: a-z, 0-9 and '-', starting and ending with a letter or digit\n" .Values.clusterName) }}
{{- end }}
{{- if and .Values.serviceMonitor.enabled (not (.Capabilities.APIVersions.Has "monitoring.coreos.com/v1")) }}
{{- fail "\n\nserviceMonitor.enabled is true, but the cluster has no ServiceMonitors (monitoring.coreos.com/v1): install the Prometheus operator first\n" }}
{{- end }}
{{- $namespace := lookup "v1" "Namespace" "" .Release.Namespace }}
{{- $enforced := dig "metadata" "labels" "pod-security.kubernetes.io/enforce" "" $namespace }}
{{- if has $enforced (list "restricted" "baseline") }}
{{- fail (printf "\n\nthe namespace %s enforces the PodSecurity level %s, and media and TURN pods need the network of their Kubernetes node: kubectl label --overwrite namespace %s pod-security.kubernetes.io/enforce=privileged\n" .Release.Namespace $enforced .Release.Namespace) }}
{{- end }}
{{- end }}
