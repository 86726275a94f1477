//! The logic of the gateway and the courier, generic over its ports.
