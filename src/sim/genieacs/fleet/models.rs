//! The makers and models of the simulated CPEs.
//!
//! Names and version strings look like those met in the field; that a string says nothing about
//! which version is newer (`3.0.9`, `3.0.10`) is on purpose.

/// One model of one maker.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) manufacturer: &'static str,
    pub(crate) oui: &'static str,
    pub(crate) product: &'static str,
    /// First letters of a serial number of its own.
    pub(crate) vendor: &'static str,
    pub(crate) hardware: &'static str,
    /// Oldest first.
    pub(crate) versions: &'static [&'static str],
    /// Whether its tree is `Device` (TR-181) or `InternetGatewayDevice` (TR-098).
    pub(crate) tr181: bool,
    /// Sections of the tree that it has.
    pub(crate) sections: &'static [&'static str],
    /// It knows neither Reboot nor FactoryReset, and tells that a transfer is over only when it is
    /// asked for a session.
    pub(crate) plain: bool,
    /// Its share of a fleet.
    pub(crate) share: u32,
}

/// All models. Two thirds of the shares are TR-098.
pub(crate) static MODELS: [Model; 9] = [
    Model {
        manufacturer: "Huawei",
        oui: "00259E",
        product: "HG8245H",
        vendor: "HWTC",
        hardware: "494.B",
        versions: &["V3R013C10S115", "V3R015C10S106", "V3R017C10S120"],
        tr181: false,
        sections: &["all", "five", "ppp", "huawei"],
        plain: false,
        share: 200,
    },
    Model {
        manufacturer: "Huawei Technologies Co., Ltd",
        oui: "48575E",
        product: "EG8145V5",
        vendor: "HWTC",
        hardware: "15AD.A",
        versions: &["V5R019C10S125", "V5R020C00S020", "V5R020C10S115"],
        tr181: false,
        sections: &["all", "five", "ppp", "huawei"],
        plain: false,
        share: 160,
    },
    Model {
        manufacturer: "ZTE",
        oui: "344B50",
        product: "F660",
        vendor: "ZTEG",
        hardware: "V5.2",
        versions: &["V5.2.10P4T9", "V5.2.10P4T26", "V6.0.10P6N12"],
        tr181: false,
        sections: &["all", "ppp", "zte"],
        plain: false,
        share: 140,
    },
    Model {
        manufacturer: "FiberHome",
        oui: "54E005",
        product: "AN5506-04-F",
        vendor: "FHTT",
        hardware: "WKE2.134.285F4G",
        versions: &["RP2631", "RP2648", "RP2815"],
        tr181: false,
        sections: &["all", "ppp", "fiberhome"],
        plain: false,
        share: 90,
    },
    Model {
        manufacturer: "CDATA",
        oui: "80142D",
        product: "FD512XW-R460",
        vendor: "CDTC",
        hardware: "V2.1",
        versions: &["V3.0.9", "V3.0.10", "V3.1.2_241105"],
        tr181: false,
        sections: &["all", "ppp", "ctcom"],
        plain: false,
        share: 66,
    },
    Model {
        manufacturer: "Huawei Technologies Co., Ltd.",
        oui: "202BC1",
        product: "BM632w",
        vendor: "BM63",
        hardware: "40501",
        versions: &["V100R001IRQC56B017"],
        tr181: false,
        sections: &["all", "ip", "wimax"],
        plain: true,
        share: 10,
    },
    Model {
        manufacturer: "Nokia",
        oui: "F8345A",
        product: "G-1425G-A",
        vendor: "ALCL",
        hardware: "3FE77771BEAA",
        versions: &["3FE49568IJLJ04", "3FE49568IJLL09", "3FE49568IJMK11"],
        tr181: true,
        sections: &["all"],
        plain: false,
        share: 174,
    },
    Model {
        manufacturer: "ADTRAN",
        oui: "00A0C8",
        product: "SDG-8622",
        vendor: "ADTN",
        hardware: "1.2.0",
        versions: &["3.0.9", "3.0.10", "3.0.12"],
        tr181: true,
        sections: &["all"],
        plain: false,
        share: 100,
    },
    Model {
        manufacturer: "Zyxel",
        oui: "B8ECA3",
        product: "EX3301-T0",
        vendor: "ZYXE",
        hardware: "V1.0",
        versions: &["V5.50(ABVY.1)C0", "V5.50(ABVY.4)C0", "V5.63(ABVY.5)C0"],
        tr181: true,
        sections: &["all"],
        plain: false,
        share: 60,
    },
];

impl Model {
    /// First name of its tree.
    pub(crate) const fn root(&self) -> &'static str {
        if self.tr181 { "Device" } else { "InternetGatewayDevice" }
    }

    /// Version that a fleet should run.
    pub(crate) fn newest(&self) -> &'static str {
        self.versions.last().copied().unwrap_or_default()
    }

    /// Model at a place of the share table, 0 to 999.
    pub(crate) fn by_share(place: u32) -> usize {
        let mut left = place % MODELS.iter().map(|m| m.share).sum::<u32>();
        for (n, model) in MODELS.iter().enumerate() {
            if left < model.share {
                return n;
            }
            left -= model.share;
        }
        0
    }

    /// Index of the model with a product class.
    pub(crate) fn by_product(product: &str) -> Option<usize> {
        MODELS.iter().position(|m| m.product == product)
    }
}

#[cfg(test)]
mod tests {
    use super::MODELS;

    #[test]
    fn two_thirds_are_tr098() {
        let all: u32 = MODELS.iter().map(|m| m.share).sum();
        let old: u32 = MODELS.iter().filter(|m| !m.tr181).map(|m| m.share).sum();
        assert_eq!((all, old), (1_000, 666));
    }
}
