//! What an approval is given to. It is part of the vocabulary: records of an older format are given the digest anew.

pub use rescind_model::request::digest as of_request;
