//! Whether a payer reads what a code approves: amount and payee (PSD2 RTS Art. 5). A way that cannot show them carries no such code.

use serde::Deserialize;
use serde::Serialize;

use super::Route;
use super::Service;

/// Whether messages of a gateway show the payment that their code approves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payments {
    /// They do.
    #[default]
    Shown,
    /// Only in a template that a service has there for payments.
    ByTemplate,
    /// They cannot.
    Hidden,
}

impl Payments {
    #[cfg_attr(
        target_pointer_width = "64",
        expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")
    )]
    pub(super) fn is_shown(&self) -> bool {
        *self == Self::Shown
    }
}

impl Route {
    /// Whether it carries codes of this service that approve a payment.
    pub fn takes_payments(&self, service: &Service) -> bool {
        match self.payments {
            Payments::Shown => true,
            Payments::Hidden => false,
            Payments::ByTemplate => service.templates.iter().any(|template| {
                let is_there = template.channel == self.channel && template.ids.contains_key(&self.gateway);
                is_there && template.is_for_payments()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::Countries;
    use crate::directory::Directory;
    use crate::directory::Hindrance;
    use crate::id::GatewayId;
    use crate::id::ServiceId;
    use crate::id::TenantId;
    use crate::wire::api::Channel;

    fn directory(templates: &str) -> Directory {
        let route = |name, payments| {
            let route = Route::new(GatewayId::parse(name).unwrap(), Channel::Whatsapp, Countries::All);
            Route { payments, ..route }
        };
        let service = format!(r#"{{"brand":"Shop","channels":["whatsapp"],"templates":[{templates}]}}"#);
        let service = serde_json::from_str(&service).unwrap();
        let mut tenant = crate::directory::Tenant::default();
        tenant.services.insert(ServiceId::parse("pay").unwrap(), service);
        let mut directory = Directory {
            routes: vec![
                route("hides", Payments::Hidden),
                route("some", Payments::ByTemplate),
                route("shows", Payments::Shown),
            ],
            ..Directory::default()
        };
        directory.tenants.insert(TenantId::parse("shop").unwrap(), tenant);
        directory
    }

    /// The gateways that would be taken, by a front door that has core's directory and by one that has its snapshot.
    fn taken(templates: &str, is_payment: bool) -> Vec<String> {
        let [whole, pushed] = [directory(templates), directory(templates).without_words()].map(|directory| {
            let tenant = directory.tenants.values().next().unwrap();
            let all = directory.inventory(tenant.services.values().next().unwrap(), None, is_payment);
            let is_hidden = |it: &&crate::directory::Stock<'_>| it.hindrance == Some(Hindrance::Payment);
            assert_eq!(all.iter().filter(is_hidden).count() + crate::directory::taken(&all).count(), 3);
            crate::directory::taken(&all).map(|it| it.route.gateway.to_string()).collect::<Vec<_>>()
        });
        assert_eq!(whole, pushed);
        whole
    }

    #[test]
    fn a_way_that_cannot_show_a_payment_is_not_taken_for_one() {
        let own =
            r#"{"channel":"whatsapp","locale":"en","text":"{code} pays {payment}","ids":{"some":"HX1"}}"#;
        let login = r#"{"channel":"whatsapp","locale":"en","text":"{code} logs in","ids":{"some":"HX1"}}"#;
        let other = own.replace("some", "shows");
        assert_eq!(taken("", false), ["hides", "some", "shows"]);
        assert_eq!(taken("", true), ["shows"]);
        assert_eq!(taken(own, true), ["some", "shows"]);
        assert_eq!(taken(login, true), ["shows"]);
        assert_eq!(taken(&other, true), ["shows"]);
    }
}
