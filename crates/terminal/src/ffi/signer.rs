//! A key that stays in the caller's security module.

use core::ffi::c_void;
use rescind_bundle::limits::SIGNATURE_BYTES;
use rescind_bundle::{PublicKey, SignFailed, Signer};

/// Signs a message: writes the signature to `signature`, at most `capacity` bytes, its length to `*length`, and answers 0;
/// anything else is a failure. It must not call back into this library, and must not unwind.
pub type SignCallback = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        message: *const u8,
        message_length: usize,
        signature: *mut u8,
        capacity: usize,
        length: *mut usize,
    ) -> i32,
>;

/// The same when it is there.
pub(super) type Sign = unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut u8, usize, *mut usize) -> i32;

/// A key in a module.
pub(super) struct Module {
    public: PublicKey,
    sign: Sign,
    context: *mut c_void,
}

impl Module {
    /// A key in a module.
    ///
    /// # Safety
    /// `sign` does what its type says, with `context`, from whatever thread uses the terminal, one call at a time.
    pub(super) unsafe fn new(public: PublicKey, sign: Sign, context: *mut c_void) -> Self {
        Self { public, sign, context }
    }
}

// SAFETY: the promise made to `new` is for whatever thread uses the terminal.
unsafe impl Send for Module {}

impl Signer for Module {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[&[u8]]) -> Result<Vec<u8>, SignFailed> {
        let message = message.concat();
        let mut signature = [0_u8; SIGNATURE_BYTES];
        let mut length = 0_usize;
        // SAFETY: the promise made to `new`; all pointers are to our own buffers, and hold their lengths.
        let answer = unsafe {
            (self.sign)(
                self.context,
                message.as_ptr(),
                message.len(),
                signature.as_mut_ptr(),
                signature.len(),
                &raw mut length,
            )
        };
        if answer != 0 {
            return Err(SignFailed(format!("the security module answered {answer}")));
        }
        let signature = signature.get(..length).filter(|signature| !signature.is_empty());
        signature.map(<[u8]>::to_vec).ok_or_else(|| SignFailed(format!("the module says it wrote {length} bytes")))
    }
}
