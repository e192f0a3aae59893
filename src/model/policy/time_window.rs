//! Days of the week and hours, by the clocks of a time zone.

use std::path::Path;

use jiff::tz::TimeZone;
use jiff::Timestamp;
use serde_json::Value;

use crate::model::policy_error::PolicyError;

/// `{"days": ["mon", "fri"], "from": "08:00", "to": "18:00", "zone": "Europe/Berlin"}`
#[derive(Debug, Clone, PartialEq)]
pub struct TimeWindow {
    /// One bit for each, from Monday on.
    days: u8,
    /// Minutes of the day; `to` is not in it. If it is not after `from`, the window
    /// ends the next day.
    from: u16,
    to: u16,
    zone_name: String,
    zone: TimeZone,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const EVERY_DAY: u8 = 0b111_1111;
const MINUTES_PER_DAY: u16 = 24 * 60;
const LONGEST_ZONE: usize = 64;
const SYSTEM_ZONES: &str = "/usr/share/zoneinfo";

const OBJECT: &str = r#"an object such as {"days": ["mon", "fri"], "from": "08:00", "to": "18:00", "zone": "Europe/Berlin"}, with days, or from and to, or both"#;

/// The time on the clocks.
struct Local {
    /// From Monday on.
    day: u8,
    minute: u16,
}

impl TimeWindow {
    pub fn parse(value: &Value) -> Result<Self, PolicyError> {
        let whole = || PolicyError::condition("time", OBJECT);
        let object = value.as_object().ok_or_else(whole)?;
        let unknown = |key: &&String| !["days", "from", "to", "zone"].contains(&key.as_str());
        if object.is_empty() || object.keys().any(|key| unknown(&key)) {
            return Err(whole());
        }
        let days = object.get("days").map(parse_days).transpose()?;
        let from = parse_minute(object.get("from"), "time.from")?;
        let to = parse_minute(object.get("to"), "time.to")?;
        let hours = match (from, to) {
            (None, None) if days.is_some() => (0, MINUTES_PER_DAY),
            (Some(from), Some(to)) if from != to && from < MINUTES_PER_DAY => (from, to),
            (Some(_), Some(_)) => {
                let wanted = "before 24:00, and another time than 'to'";
                return Err(PolicyError::condition("time.from", wanted));
            }
            (Some(_), None) => {
                return Err(PolicyError::condition("time.to", "there where 'from' is"))
            }
            (None, Some(_)) => {
                return Err(PolicyError::condition("time.from", "there where 'to' is"))
            }
            (None, None) => return Err(whole()),
        };
        let zone_name = match object.get("zone") {
            None => "UTC".to_owned(),
            Some(name) => name.as_str().unwrap_or_default().to_owned(),
        };
        let zone = find_zone(&zone_name).ok_or_else(|| {
            let wanted = "a name of the time zone database such as Europe/Berlin, or UTC";
            PolicyError::condition("time.zone", wanted)
        })?;
        Ok(TimeWindow {
            days: days.unwrap_or(EVERY_DAY),
            from: hours.0,
            to: hours.1,
            zone_name,
            zone,
        })
    }

    /// `at` is in microseconds since the Unix epoch.
    pub fn contains(&self, at: i64) -> bool {
        self.local(at)
            .is_some_and(|local| self.contains_local(&local))
    }

    fn contains_local(&self, local: &Local) -> bool {
        let has_day = |day: u8| self.days & (1 << day) != 0;
        let yesterday = (local.day + 6) % 7;
        if self.from < self.to {
            has_day(local.day) && (self.from..self.to).contains(&local.minute)
        } else {
            (has_day(local.day) && local.minute >= self.from)
                || (has_day(yesterday) && local.minute < self.to)
        }
    }

    fn local(&self, at: i64) -> Option<Local> {
        let at = Timestamp::from_microsecond(at).ok()?;
        let local = self.zone.to_datetime(at);
        Some(Local {
            day: local.weekday().to_monday_zero_offset().unsigned_abs(),
            minute: u16::from(local.hour().unsigned_abs()) * 60
                + u16::from(local.minute().unsigned_abs()),
        })
    }

    /// `it is mon 07:30 in Europe/Berlin, not within mon, tue from 08:00 to 18:00`
    pub fn explain(&self, at: i64) -> String {
        let Some(local) = self.local(at) else {
            return "the time is beyond the calendar".into();
        };
        let within = if self.contains_local(&local) {
            "within"
        } else {
            "not within"
        };
        format!(
            "it is {} {} in {}, {within} {}",
            day_name(local.day),
            clock(local.minute),
            self.zone_name,
            self.describe()
        )
    }

    fn describe(&self) -> String {
        let days = if self.days == EVERY_DAY {
            "every day".to_owned()
        } else {
            let named: Vec<&str> = (0..7)
                .filter(|day| self.days & (1 << day) != 0)
                .map(day_name)
                .collect();
            named.join(", ")
        };
        format!("{days} from {} to {}", clock(self.from), clock(self.to))
    }
}

fn day_name(day: u8) -> &'static str {
    DAYS.get(usize::from(day)).copied().unwrap_or_default()
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn parse_days(value: &Value) -> Result<u8, PolicyError> {
    let wanted = || {
        let wanted = format!("an array of some of {}, each once", DAYS.join(", "));
        PolicyError::condition("time.days", wanted)
    };
    let named = value.as_array().ok_or_else(wanted)?;
    let mut days = 0;
    for name in named {
        let position = DAYS.iter().position(|day| Some(*day) == name.as_str());
        let bit = 1 << position.ok_or_else(wanted)?;
        if days & bit != 0 {
            return Err(wanted());
        }
        days |= bit;
    }
    if days == 0 {
        return Err(wanted());
    }
    Ok(days)
}

/// `08:00`, up to `24:00`.
fn parse_minute(value: Option<&Value>, key: &'static str) -> Result<Option<u16>, PolicyError> {
    let Some(value) = value else {
        return Ok(None);
    };
    let parse = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let number = |text: &str| {
            let is_number = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
            text.parse::<u16>().ok().filter(|_| is_number)
        };
        let (hour, minute) = (number(hour)?, number(minute)?);
        let total = hour * 60 + minute;
        (minute < 60 && total <= MINUTES_PER_DAY).then_some(total)
    };
    match value.as_str().and_then(parse) {
        Some(minute) => Ok(Some(minute)),
        None => Err(PolicyError::condition(
            key,
            "a time such as 08:00, up to 24:00",
        )),
    }
}

/// The zone as the system has it, which its administrator keeps up to date; one that it
/// does not have (tzdata is not in every container image) is built in. The file is read
/// here: jiff would read its whole directory first, in every session.
fn find_zone(name: &str) -> Option<TimeZone> {
    let is_name = name.len() <= LONGEST_ZONE
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b));
    if !is_name || name == "Factory" {
        return None;
    }
    let of_system = std::fs::read(Path::new(SYSTEM_ZONES).join(name)).ok();
    of_system
        .and_then(|tzif| TimeZone::tzif(name, &tzif).ok())
        .or_else(|| TimeZone::get(name).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_by_their_names() {
        for good in [
            "UTC",
            "Europe/Berlin",
            "America/Argentina/Buenos_Aires",
            "Etc/GMT+12",
        ] {
            assert!(find_zone(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "Europe",
            "Europe/",
            "Mars/Base",
            "Factory",
            "/etc/passwd",
            "../../etc/passwd",
            "Europe/../UTC",
            "localtime",
            "Europe/Berlin\0",
            "+00:00",
        ] {
            assert!(find_zone(bad).is_none(), "{bad}");
        }
    }
}
