//! Word and lane loops over slices: bitsets, masked logits, softmax.

