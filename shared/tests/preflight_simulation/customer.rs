//! Whoever asks beforehand, thinks, and orders.

use serde_json::Value;
use serde_json::json;
use tiffin_shared::country::Country;
use tiffin_shared::time::MINUTE_MS;

use crate::market;
use crate::world::Answer;
use crate::world::Event;
use crate::world::World;

impl World {
    pub fn preflight(&mut self, at: usize) {
        let tenant = self.runs[at].tenant;
        let said = self.door.call("/v1/preflight", (tenant, at), &self.runs[at].body.clone(), self.now);
        assert_eq!(said.status, 200, "{}", said.body);
        let checks = said.body["checks"].as_array().unwrap();
        for check in checks.iter().filter(|check| check["result"] != "pass") {
            let (name, result) = (check["name"].as_str().unwrap(), check["result"].as_str().unwrap());
            *self.tally.checks.entry(format!("{name} {result}")).or_default() += 1;
            if name == "balance" {
                self.runs[at].balance = if result == "warn" { "warn" } else { "fail" };
            }
        }
        if said.body["ok"] != true {
            self.tally.not_ok += 1;
            let mut failed = checks.iter().filter(|check| check["result"] == "fail");
            // Some order all the same: what the check says of money is compared with what the account says.
            if failed.all(|check| check["name"] == "balance") && self.market.random.chance(500) {
                let wait_ms = self.market.random.between(50, 3_000);
                self.after(wait_ms, Event::Create(at));
            }
            return;
        }
        self.tally.passes += 1;
        let (run, bank) = (&self.runs[at], &self.market.banks[tenant]);
        let quote = said.body["quote"].clone();
        let waiting_ms = said.body["predicted"]["waiting_ms"].as_u64().unwrap();
        let orders = self.phones.get(&run.phone).copied().unwrap_or_default();
        let reach_micros = bank.reach_to(country_of(&run.phone), self.now);
        let (copy, moves) = (self.copy.clone(), bank.moves);
        let answer = Answer { at: self.now, copy, reach_micros, moves, quote, waiting_ms, orders };
        self.runs[at].answer = Some(answer);
        let random = &mut self.market.random;
        // Most order at once; some think, and a few for too long.
        let wait_ms = match random.below(100) {
            0..50 => random.between(50, 3_000),
            50..95 => random.between(3_000, MINUTE_MS),
            _ => random.between(MINUTE_MS, 2 * MINUTE_MS),
        };
        self.after(wait_ms, Event::Create(at));
    }

    pub fn create(&mut self, at: usize) {
        let answer = self.runs[at].answer.as_ref();
        let quote = answer.map_or(Value::Null, |answer| answer.quote.clone());
        let is_valid = answer.is_some_and(|answer| self.now.since(answer.at) < MINUTE_MS);
        let most = quote["most_micros"].as_u64();
        let mut body = self.runs[at].body.clone();
        let by = self.market.random.below(10);
        match by {
            0..7 if !quote.is_null() => {
                body["quote"] = quote["id"].clone();
                self.tally.quoted += 1;
            }
            7 | 8 if !quote.is_null() => {
                body["max_price"] = json!({"amount_micros": most, "currency": quote["currency"]});
            }
            _ => {}
        }
        self.runs[at].most_micros = most.filter(|_| by < 9);
        (self.runs[at].created_at, self.runs[at].is_valid) = (self.now, is_valid);
        let said = self.door.call("/v1/orders", (self.runs[at].tenant, at), &body, self.now);
        self.tally.created += usize::from(is_valid);
        if said.status != 202 {
            let code = said.body["code"].as_str().unwrap().to_owned();
            self.refused(at, &code);
            self.runs[at].refusal = code;
            return;
        }
        assert!(is_valid || by >= 7 || quote.is_null(), "a quote was taken after its time");
        self.tally.accepted += usize::from(is_valid);
        *self.phones.entry(self.runs[at].phone.clone()).or_default() += 1;
        let header = said.header.unwrap();
        assert!(header.max_price_micros <= self.runs[at].most_micros || by >= 9, "{header:?}");
        self.runs[at].header = Some(header);
        let wait_ms = self.market.random.between(5, 300);
        self.work_at(at, self.now.plus(wait_ms));
    }
}

pub fn country_of(phone: &str) -> Option<Country> {
    let code = match phone.as_bytes() {
        [b'+', b'9', ..] => "IN",
        [b'+', b'1', ..] => "US",
        _ => "DE",
    };
    Some(market::country(code))
}
