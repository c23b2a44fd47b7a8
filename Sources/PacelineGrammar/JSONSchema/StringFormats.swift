/// Formats of strings, as expressions of texts that everybody accepts.
enum StringFormats {
    private static let octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
    private static let leap = "([1-9][0-9](0[48]|[2468][048]|[13579][26])|([2468][048]|[13579][26])00)"
    private static let date =
        "([1-9][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
        + "|02-(0[1-9]|1[0-9]|2[0-8]))|\(leap)-02-29)"
    private static let clock = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?"
    private static let zone = "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
    private static let label = "[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    private static let host = "\(label)(\\.\(label)){0,3}"
    private static let atom = "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]"
    private static let group = "[0-9a-fA-F]{1,4}"
    private static let ipv6 =
        "((\(group):){7}\(group)|(\(group):){1,7}:|(\(group):){1,6}:\(group)|(\(group):){1,5}(:\(group)){1,2}"
        + "|(\(group):){1,4}(:\(group)){1,3}|(\(group):){1,3}(:\(group)){1,4}|(\(group):){1,2}(:\(group)){1,5}"
        + "|\(group):(:\(group)){1,6}|:((:\(group)){1,7}|:))"
    private static let unit = "([a-zA-Z0-9_.~!$&'()*+,;=:@-]|%[0-9a-fA-F]{2})"

    /// Years begin with 1000, because some libraries have none before 1 and spell small ones in other ways.
    static let expressions: [String: String] = [
        "date": date,
        "time": clock + zone,
        "date-time": date + "T" + clock + zone,
        "duration": "P([0-9]{1,9}W|[0-9]{1,9}D(T[0-9]{1,9}H([0-9]{1,9}M([0-9]{1,9}S)?)?)?"
            + "|[0-9]{1,9}Y([0-9]{1,9}M([0-9]{1,9}D)?)?|T([0-9]{1,9}H|[0-9]{1,9}M|[0-9]{1,9}S))",
        "email": "\(atom){1,32}(\\.\(atom){1,32}){0,3}@\(label)(\\.\(label)){1,3}",
        "hostname": host,
        "ipv4": "\(octet)(\\.\(octet)){3}",
        "ipv6": ipv6,
        "uuid": "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
        "uri": "[a-zA-Z][a-zA-Z0-9+.-]{0,15}://\(host)(:[0-9]{1,4})?(/\(unit)*)*(\\?(\(unit)|[/?])*)?"
            + "(#(\(unit)|[/?])*)?",
    ]
}
