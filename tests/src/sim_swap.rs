//! Settings under which the SIM of a number is checked.

/// With the sandbox as the SIM Swap service, and `login` checked by it.
pub fn checked(settings: &str) -> String {
    let brand = "[tenants.dev.services.login]\nbrand = \"Tiffin\"\n";
    assert_eq!(settings.matches(brand).count(), 1);
    let settings = settings.replace(brand, &format!("{brand}sim_swap = true\n"));
    format!("{settings}\n[sim_swap]\nsandbox = true\nclient_id = \"tiffin\"\ntimeout_ms = 5000\n")
}

/// The same, and beside text messages WhatsApp, which hangs on no SIM.
pub fn checked_beside_whatsapp(settings: &str) -> String {
    let checked = checked(settings);
    format!(
        "{checked}\n[[gateways]]\nname = \"whatsapp-cloud\"\nkind = \"whatsapp_cloud\"\nsandbox = true\n\
         from = \"106540352242922\"\ntemplate = \"login_code\"\nlanguages = [\"en\"]\n"
    )
}
