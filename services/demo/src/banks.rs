//! The thirteen Rokin, and the customers of one of them.

use crate::agent::seed_example;

/// A bank of the demonstration.
#[derive(Debug, Clone, Copy)]
pub struct Bank {
    /// Its four digits (金融機関コード).
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Its name in English.
    pub name_en: &'static str,
}

impl Bank {
    /// As customers see it in lists.
    pub fn display_name(self) -> String {
        format!("{}（法人）", self.name)
    }

    /// The same in English.
    pub fn display_name_en(self) -> String {
        format!("{} (corporate)", self.name_en)
    }
}

/// All of them, from north to south.
pub const BANKS: [Bank; 13] = [
    Bank {
        code: "2951",
        name: "北海道労働金庫",
        name_en: "Hokkaido Labour Bank",
    },
    Bank {
        code: "2954",
        name: "東北労働金庫",
        name_en: "Tohoku Labour Bank",
    },
    Bank {
        code: "2963",
        name: "中央労働金庫",
        name_en: "Chuo Labour Bank",
    },
    Bank {
        code: "2965",
        name: "新潟県労働金庫",
        name_en: "Niigata Labour Bank",
    },
    Bank {
        code: "2966",
        name: "長野県労働金庫",
        name_en: "Nagano Labour Bank",
    },
    Bank {
        code: "2968",
        name: "静岡県労働金庫",
        name_en: "Shizuoka Labour Bank",
    },
    Bank {
        code: "2970",
        name: "北陸労働金庫",
        name_en: "Hokuriku Labour Bank",
    },
    Bank {
        code: "2972",
        name: "東海労働金庫",
        name_en: "Tokai Labour Bank",
    },
    Bank {
        code: "2978",
        name: "近畿労働金庫",
        name_en: "Kinki Labour Bank",
    },
    Bank {
        code: "2984",
        name: "中国労働金庫",
        name_en: "Chugoku Labour Bank",
    },
    Bank {
        code: "2987",
        name: "四国労働金庫",
        name_en: "Shikoku Labour Bank",
    },
    Bank {
        code: "2990",
        name: "九州労働金庫",
        name_en: "Kyushu Labour Bank",
    },
    Bank {
        code: "2997",
        name: "沖縄県労働金庫",
        name_en: "Okinawa Labour Bank",
    },
];

/// An invented customer of 中央労働金庫; sandbox-bank knows the same.
#[derive(Debug, Clone, Copy)]
pub struct Customer {
    /// ログインID.
    pub login_id: &'static str,
    /// パスワード.
    pub password: &'static str,
    /// 照会用暗証番号.
    pub pin: &'static str,
}

/// The customer of the procedure's own example.
pub const DANTAI01: Customer = Customer {
    login_id: seed_example::LOGIN_ID,
    password: seed_example::PASSWORD,
    pin: seed_example::PIN,
};
/// A customer with other accounts.
pub const DANTAI02: Customer = Customer {
    login_id: "dantai02",
    password: "Rokin2027",
    pin: "7153",
};

/// Telephone of the invented help desk; the prefix is free of charge, the number nobody's.
pub(crate) const HELP_DESK_PHONE: &str = "0120-000-000";
/// When it is answered.
pub(crate) const HELP_DESK_HOURS: &str = "平日 9:00〜18:00";
/// The same in English.
pub(crate) const HELP_DESK_HOURS_EN: &str = "Weekdays 9:00 to 18:00";
