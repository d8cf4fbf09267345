"""Which pod was given which device, as the kubelet's pod-resources API tells."""
