//! Limits of the API's form, each with its reason. Limits of what is stored are in `crate::limits`.

/// Longest number printed on a slip (batch, voucher, trace, retrieval reference). ISO 8583 has 6 and 12 digits; providers
/// outside it up to 32 characters.
pub const NUMBER_BYTES: usize = 32;

/// Longest order number: WeChat Pay takes 32 characters, Alipay 64.
pub const ORDER_NUMBER_BYTES: usize = 64;

/// Longest payer token: a hexadecimal SHA-512.
pub const PAYER_TOKEN_BYTES: usize = 128;

/// Longest position in a list (`after`).
pub const POSITION_BYTES: usize = 256;

/// Most pieces of evidence of one refund: they are kept in the sale's one record.
pub const EVIDENCE_ITEMS: usize = 16;

/// Most of a wrong value that an error repeats: enough to find it, too little to hold much of anything personal.
pub const ECHO_CHARS: usize = 200;

/// Longest challenge that is looked at; ours have about 100 characters.
pub const TOKEN_BYTES: usize = 256;
