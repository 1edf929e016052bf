"""The network of a Ray node: the step that checks it, and what the node's container gets."""

from provision.ray.steps.network.ray_network import RayNetwork as RayNetwork
