//! Command statuses: SMPP 3.4, 5.1.3.

use tiffin_shared::order::Reason;

/// Done.
pub const ROK: u32 = 0;
/// A body that is not what its header says.
pub const RINVCMDLEN: u32 = 0x02;
/// A command that is not known.
pub const RINVCMDID: u32 = 0x03;
/// The session is not bound for this.
pub const RINVBNDSTS: u32 = 0x04;
/// The SMSC fails.
pub const RSYSERR: u32 = 0x08;
/// No such message.
pub const RINVMSGID: u32 = 0x0C;
/// The bind is refused.
pub const RBINDFAIL: u32 = 0x0D;
/// The password is refused.
pub const RINVPASWD: u32 = 0x0E;
/// The system id is refused.
pub const RINVSYSID: u32 = 0x0F;
/// The SMSC's queue is full.
pub const RMSGQFUL: u32 = 0x14;
/// Too many messages.
pub const RTHROTTLED: u32 = 0x58;
/// The receiver cannot take it now.
pub const RX_T_APPN: u32 = 0x64;

/// As the tables of reasons have it: `0x00000058`.
pub fn code(status: u32) -> String {
    format!("0x{status:08X}")
}

/// Whether it asks for fewer messages.
pub fn is_throttle(status: u32) -> bool {
    matches!(status, RTHROTTLED | RMSGQFUL)
}

/// What it means where no table says more.
pub fn fallback(status: u32) -> Reason {
    match status {
        RTHROTTLED | RMSGQFUL => Reason::Throttled,
        RSYSERR | RX_T_APPN | RINVBNDSTS => Reason::ProviderDown,
        RBINDFAIL | RINVPASWD | RINVSYSID => Reason::AuthFailed,
        _ => Reason::Rejected,
    }
}
