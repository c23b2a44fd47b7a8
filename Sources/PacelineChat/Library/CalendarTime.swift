/// A moment as a calendar shows it, in UTC: a prompt must not depend on the time zone of the machine.
struct CalendarTime {
    private let days: Int
    private let secondOfDay: Int
    private let year: Int
    private let month: Int
    private let day: Int

    /// Source of the calendar arithmetic: Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2014.
    init(secondsSince1970 seconds: Int) {
        days = Int((Double(seconds) / 86_400).rounded(.down))
        secondOfDay = seconds - days * 86_400
        // Years begin in March, so that a leap day is the last day of its year.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    private static let weekdays = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]
    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    private var weekday: Int { ((days + 4) % 7 + 7) % 7 }

    private var dayOfYear: Int {
        let isLeap = year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month - 1]
        return before + day + (isLeap && month > 2 ? 1 : 0)
    }

    /// Formats the moment as `strftime` does in the C locale.
    func formatted(_ format: String) throws(CallFailure) -> String {
        var text = ""
        var isDirective = false
        var isUnpadded = false
        for character in format {
            if !isDirective {
                isDirective = character == "%"
                if !isDirective { text.append(character) }
            } else if character == "-", !isUnpadded {
                isUnpadded = true
            } else {
                text += try directive(character, isPadded: !isUnpadded)
                (isDirective, isUnpadded) = (false, false)
            }
        }
        return isDirective ? text + "%" : text
    }

    private func directive(_ letter: Character, isPadded: Bool) throws(CallFailure) -> String {
        func padded(_ value: Int, _ width: Int = 2) -> String {
            let digits = String(value)
            return isPadded ? String(repeating: "0", count: max(0, width - digits.count)) + digits : digits
        }
        let (hour, minute, second) = (secondOfDay / 3600, secondOfDay / 60 % 60, secondOfDay % 60)
        switch letter {
        case "Y": return padded(year, 4)
        case "y": return padded(year % 100)
        case "m": return padded(month)
        case "d": return padded(day)
        case "e": return isPadded && day < 10 ? " \(day)" : "\(day)"
        case "H": return padded(hour)
        case "I": return padded((hour + 11) % 12 + 1)
        case "M": return padded(minute)
        case "S": return padded(second)
        case "j": return padded(dayOfYear, 3)
        case "p": return hour < 12 ? "AM" : "PM"
        case "A": return Self.weekdays[weekday]
        case "a": return String(Self.weekdays[weekday].prefix(3))
        case "B": return Self.months[month - 1]
        case "b", "h": return String(Self.months[month - 1].prefix(3))
        case "w": return "\(weekday)"
        case "u": return "\((weekday + 6) % 7 + 1)"
        case "F": return try formatted("%Y-%m-%d")
        case "T": return try formatted("%H:%M:%S")
        case "R": return try formatted("%H:%M")
        case "D", "x": return try formatted("%m/%d/%y")
        case "X": return try formatted("%H:%M:%S")
        case "c": return try formatted("%a %b %e %H:%M:%S %Y")
        case "f": return "000000"
        case "z", "Z": return letter == "z" ? "+0000" : "UTC"
        case "n": return "\n"
        case "t": return "\t"
        case "%": return "%"
        default: throw CallFailure("strftime_now does not know '%\(letter)'")
        }
    }
}
