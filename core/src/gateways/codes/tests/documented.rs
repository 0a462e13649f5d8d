//! What the providers' documents say of their codes, as far as they tell what is to be done about each.

use tiffin_shared::order::Class;
use tiffin_shared::order::Reason;

/// A code, what it must mean, and what kind of failure that makes it.
pub type Row = (&'static str, Reason, Class);

const TWILIO: &[Row] = &[
    // Messaging: the account.
    ("20003", Reason::AuthFailed, Class::Configuration),
    ("10001", Reason::AuthFailed, Class::Configuration),
    ("30002", Reason::AuthFailed, Class::Configuration),
    // Too fast, or a full queue.
    ("20429", Reason::Throttled, Class::Throttled),
    ("30001", Reason::Throttled, Class::Throttled),
    ("14107", Reason::Throttled, Class::Throttled),
    // The number.
    ("21211", Reason::InvalidNumber, Class::Permanent),
    ("21214", Reason::InvalidNumber, Class::Permanent),
    ("21217", Reason::InvalidNumber, Class::Permanent),
    ("21614", Reason::Landline, Class::Permanent),
    ("30005", Reason::InvalidNumber, Class::Permanent),
    ("30006", Reason::Landline, Class::Permanent),
    // The country; the wish of the user; the carrier.
    ("21408", Reason::CountryDisabled, Class::Configuration),
    ("21610", Reason::OptedOut, Class::Blocked),
    ("30004", Reason::OptedOut, Class::Blocked),
    ("30003", Reason::AbsentTemporary, Class::Transient),
    ("30008", Reason::ProviderDown, Class::Transient),
    ("30017", Reason::ProviderDown, Class::Transient),
    ("30007", Reason::ContentFiltered, Class::Configuration),
    ("30036", Reason::TtlExpired, Class::Transient),
    ("30410", Reason::ProviderDown, Class::Transient),
    ("30450", Reason::FraudBlocked, Class::Blocked),
    // WhatsApp: another gateway may have a template, none has the number.
    ("63016", Reason::TemplateUnapproved, Class::Configuration),
    ("63024", Reason::NotOnChannel, Class::Permanent),
    // Calls, by status and by who answered.
    ("busy", Reason::NotAnswered, Class::Transient),
    ("no-answer", Reason::NotAnswered, Class::Transient),
    ("failed", Reason::Rejected, Class::Unknown),
    ("canceled", Reason::Rejected, Class::Unknown),
    ("machine_start", Reason::NotAnswered, Class::Transient),
    ("machine_end_beep", Reason::NotAnswered, Class::Transient),
    ("machine_end_silence", Reason::NotAnswered, Class::Transient),
    ("machine_end_other", Reason::NotAnswered, Class::Transient),
    ("fax", Reason::NotAnswered, Class::Transient),
];

const VONAGE_SMS: &[Row] = &[
    ("status-1", Reason::Throttled, Class::Throttled),
    ("status-10", Reason::Throttled, Class::Throttled),
    ("status-5", Reason::ProviderDown, Class::Transient),
    // The call: what is missing or wrong in it, who made it, and whose name it bears.
    ("status-2", Reason::Rejected, Class::Unknown),
    ("status-3", Reason::Rejected, Class::Unknown),
    ("status-22", Reason::Rejected, Class::Unknown),
    ("status-23", Reason::Rejected, Class::Unknown),
    ("status-4", Reason::AuthFailed, Class::Configuration),
    ("status-14", Reason::AuthFailed, Class::Configuration),
    ("status-32", Reason::AuthFailed, Class::Configuration),
    ("status-15", Reason::SenderUnapproved, Class::Configuration),
    // The number.
    ("status-6", Reason::NoRoute, Class::Configuration),
    ("status-7", Reason::Blocked, Class::Blocked),
    ("status-29", Reason::CountryDisabled, Class::Configuration),
    // The account.
    ("status-8", Reason::AuthFailed, Class::Configuration),
    ("status-9", Reason::InsufficientBalance, Class::Configuration),
];

const VONAGE_MESSAGES: &[Row] = &[
    ("1180", Reason::AbsentTemporary, Class::Transient),
    ("1220", Reason::AbsentTemporary, Class::Transient),
    ("1230", Reason::ProviderDown, Class::Transient),
    ("1331", Reason::ProviderDown, Class::Transient),
    ("1190", Reason::AbsentPermanent, Class::Permanent),
    ("1170", Reason::InvalidNumber, Class::Permanent),
    ("1250", Reason::NoRoute, Class::Configuration),
    ("1280", Reason::Blocked, Class::Blocked),
    ("1310", Reason::NotOnChannel, Class::Permanent),
    ("1210", Reason::ContentFiltered, Class::Configuration),
    ("1240", Reason::OptedOut, Class::Blocked),
    ("1120", Reason::SenderUnapproved, Class::Configuration),
    // Sent already, which does not say what came of it.
    ("1320", Reason::UnknownOutcome, Class::Unknown),
];

const MSG91: &[Row] = &[
    ("STATUS_2", Reason::Rejected, Class::Unknown),
    ("STATUS_9", Reason::Dnd, Class::Blocked),
    ("STATUS_16", Reason::Rejected, Class::Unknown),
    ("STATUS_25", Reason::Rejected, Class::Unknown),
    ("STATUS_17", Reason::Blocked, Class::Blocked),
    // The Indian market's words.
    ("FAILED_DND", Reason::Dnd, Class::Blocked),
    ("DLT_SCRUBBING", Reason::DltTemplate, Class::Configuration),
    ("DLT_ENTITY", Reason::DltEntity, Class::Configuration),
    ("DLT_TEMPLATE", Reason::DltTemplate, Class::Configuration),
    ("DLT_CONSENT", Reason::DltConsent, Class::Blocked),
];

const WHATSAPP_CLOUD: &[Row] = &[
    // The recipient.
    ("131026", Reason::NotOnChannel, Class::Permanent),
    ("131021", Reason::NotOnChannel, Class::Permanent),
    // The account, its template and its number.
    ("131042", Reason::InsufficientBalance, Class::Configuration),
    ("132000", Reason::TemplateUnapproved, Class::Configuration),
    ("132001", Reason::TemplateUnapproved, Class::Configuration),
    ("132015", Reason::TemplateUnapproved, Class::Configuration),
    ("132016", Reason::TemplateUnapproved, Class::Configuration),
    ("131047", Reason::TemplateUnapproved, Class::Configuration),
    ("133010", Reason::SenderUnapproved, Class::Configuration),
    ("131031", Reason::AuthFailed, Class::Configuration),
    ("368", Reason::AuthFailed, Class::Configuration),
    ("190", Reason::AuthFailed, Class::Configuration),
    // It passes. Of the limits, the one for each recipient is no reason to pause what goes to others.
    ("1", Reason::ProviderDown, Class::Transient),
    ("2", Reason::ProviderDown, Class::Transient),
    ("131000", Reason::ProviderDown, Class::Transient),
    ("131016", Reason::ProviderDown, Class::Transient),
    ("130429", Reason::Throttled, Class::Throttled),
    ("131048", Reason::Throttled, Class::Throttled),
    ("131056", Reason::AbsentTemporary, Class::Transient),
    // Meta's choice for this user: another channel, and not the same again.
    ("131049", Reason::Blocked, Class::Blocked),
];

const INFOBIP: &[Row] = &[
    ("EC_ABSENT_SUBSCRIBER", Reason::AbsentTemporary, Class::Transient),
    ("EC_ABSENT_SUBSCRIBER_SM", Reason::AbsentTemporary, Class::Transient),
    ("EC_UNKNOWN_SUBSCRIBER", Reason::InvalidNumber, Class::Permanent),
    ("EC_CALL_BARRED", Reason::Blocked, Class::Blocked),
    ("EC_TELESERVICE_NOT_PROVISIONED", Reason::Landline, Class::Permanent),
    ("EC_NNR_NETWORKCONGESTION", Reason::ProviderDown, Class::Transient),
    ("EC_NNR_SUBSYSTEMCONGESTION", Reason::ProviderDown, Class::Transient),
    ("EC_NNR_SUBSYSTEMFAILURE", Reason::ProviderDown, Class::Transient),
    ("EC_NNR_MTPFAILURE", Reason::ProviderDown, Class::Transient),
    ("EC_NNR_SCCPFAILURE", Reason::ProviderDown, Class::Transient),
    ("EC_NNR_UNQUALIFIED", Reason::ProviderDown, Class::Transient),
];

const AWS: &[Row] = &[
    // Calls.
    ("ThrottlingException", Reason::Throttled, Class::Throttled),
    ("ServiceQuotaExceededException", Reason::Throttled, Class::Throttled),
    ("InternalServerException", Reason::ProviderDown, Class::Transient),
    ("ACCOUNT_DISABLED", Reason::AuthFailed, Class::Configuration),
    ("MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT", Reason::InsufficientBalance, Class::Configuration),
    ("DESTINATION_PHONE_NUMBER_OPTED_OUT", Reason::OptedOut, Class::Blocked),
    ("DESTINATION_PHONE_NUMBER_NOT_VERIFIED", Reason::CountryDisabled, Class::Configuration),
    ("DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION", Reason::CountryDisabled, Class::Configuration),
    ("SENDER_ID_REQUIRES_REGISTRATION", Reason::SenderUnapproved, Class::Configuration),
    ("INVALID_PARAMETER.DestinationPhoneNumber", Reason::InvalidNumber, Class::Permanent),
    ("OptedOut", Reason::OptedOut, Class::Blocked),
    // Events.
    ("TEXT_BLOCKED", Reason::Blocked, Class::Blocked),
    ("TEXT_CARRIER_BLOCKED", Reason::ContentFiltered, Class::Configuration),
    ("TEXT_CARRIER_UNREACHABLE", Reason::ProviderDown, Class::Transient),
    ("TEXT_INVALID", Reason::InvalidNumber, Class::Permanent),
    ("TEXT_INVALID_MESSAGE", Reason::Rejected, Class::Unknown),
    ("TEXT_PROTECT_BLOCKED", Reason::FraudBlocked, Class::Blocked),
    ("TEXT_SPAM", Reason::ContentFiltered, Class::Configuration),
    ("TEXT_TTL_EXPIRED", Reason::TtlExpired, Class::Transient),
    ("TEXT_UNKNOWN", Reason::ProviderDown, Class::Transient),
    ("TEXT_UNREACHABLE", Reason::AbsentTemporary, Class::Transient),
];

const SMTP: &[Row] = &[
    // RFC 5321: for now.
    ("421", Reason::Throttled, Class::Throttled),
    ("450", Reason::AbsentTemporary, Class::Transient),
    ("451", Reason::ProviderDown, Class::Transient),
    ("452", Reason::ProviderDown, Class::Transient),
    // For good, after RCPT.
    ("550", Reason::InvalidAddress, Class::Permanent),
    ("551", Reason::InvalidAddress, Class::Permanent),
    ("553", Reason::InvalidAddress, Class::Permanent),
    ("554", Reason::ContentFiltered, Class::Configuration),
    // RFC 3463: greylisting, mailboxes, policy.
    ("4.7.0", Reason::AbsentTemporary, Class::Transient),
    ("4.7.1", Reason::AbsentTemporary, Class::Transient),
    ("5.1.1", Reason::InvalidAddress, Class::Permanent),
    ("5.7.0", Reason::ContentFiltered, Class::Configuration),
    ("5.7.1", Reason::ContentFiltered, Class::Configuration),
    ("5.7.7", Reason::ContentFiltered, Class::Configuration),
    ("5.7.8", Reason::AuthFailed, Class::Configuration),
    ("5.7.26", Reason::SenderUnapproved, Class::Configuration),
];

const SMPP: &[Row] = &[
    // For now.
    ("0x00000008", Reason::ProviderDown, Class::Transient),
    ("0x00000061", Reason::ProviderDown, Class::Transient),
    ("0x00000064", Reason::ProviderDown, Class::Transient),
    ("0x000000FE", Reason::AbsentTemporary, Class::Transient),
    ("0x00000014", Reason::Throttled, Class::Throttled),
    ("0x00000058", Reason::Throttled, Class::Throttled),
    // For good: the addresses, and what another gateway may take.
    ("0x0000000A", Reason::SenderUnapproved, Class::Configuration),
    ("0x0000000B", Reason::InvalidNumber, Class::Permanent),
    ("0x00000001", Reason::Rejected, Class::Unknown),
    ("0x00000045", Reason::Rejected, Class::Unknown),
    ("0x00000062", Reason::Rejected, Class::Unknown),
    ("0x00000065", Reason::Rejected, Class::Unknown),
    ("0x00000066", Reason::Rejected, Class::Unknown),
    ("0x000000FF", Reason::Rejected, Class::Unknown),
    // The session.
    ("0x00000004", Reason::ProviderDown, Class::Transient),
    ("0x00000005", Reason::ProviderDown, Class::Transient),
    ("0x0000000D", Reason::AuthFailed, Class::Configuration),
    ("0x0000000E", Reason::AuthFailed, Class::Configuration),
    ("0x0000000F", Reason::AuthFailed, Class::Configuration),
    // Receipts.
    ("EXPIRED", Reason::TtlExpired, Class::Transient),
    ("DELETED", Reason::Rejected, Class::Unknown),
    ("UNDELIV", Reason::Rejected, Class::Unknown),
    ("REJECTD", Reason::Rejected, Class::Unknown),
];

/// By kind of gateway.
pub const DOCUMENTED: &[(&str, &[Row])] = &[
    ("twilio", TWILIO),
    ("vonage_sms", VONAGE_SMS),
    ("vonage_messages", VONAGE_MESSAGES),
    ("msg91", MSG91),
    ("whatsapp_cloud", WHATSAPP_CLOUD),
    ("infobip", INFOBIP),
    ("aws", AWS),
    ("smtp", SMTP),
    ("smpp", SMPP),
];
