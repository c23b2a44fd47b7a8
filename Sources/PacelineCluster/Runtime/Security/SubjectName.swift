import Glibc
import NIOSSL

/// A name that a certificate gives its holder: an entry of its Subject Alternative Name extension.
package enum SubjectName: Sendable, Hashable {
    /// In lower case.
    case dns(String)
    case uri(String)
    /// 4 or 16 bytes, as they travel.
    case ip([UInt8])

    /// - Parameter text: `DNS:…`, `URI:…` or `IP:…` as OpenSSL writes them, or the name alone.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1)
        let tag = parts.count == 2 ? parts[0].lowercased() : ""
        switch tag {
        case "dns": self.init(dns: String(parts[1]))
        case "uri": self = .uri(String(parts[1]))
        case "ip": self.init(ip: String(parts[1]))
        default:
            if text.contains("://") {
                self = .uri(text)
            } else if let address = SubjectName(ip: text) {
                self = address
            } else {
                self.init(dns: text)
            }
        }
    }

    /// An exact name; names with wildcards match nothing here.
    private init?(dns: String) {
        let name = dns.lowercased()
        let isValid = name.utf8.allSatisfy {
            (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || [0x2d, 0x2e, 0x5f].contains($0)
        }
        guard isValid, (1...253).contains(name.utf8.count) else { return nil }
        self = .dns(name)
    }

    private init?(ip: String) {
        for (family, size) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: size)
            if inet_pton(family, ip, &bytes) == 1 {
                self = .ip(bytes)
                return
            }
        }
        return nil
    }

    /// The names of the known kinds in a certificate, in its order.
    static func names(in certificate: NIOSSLCertificate) -> [SubjectName] {
        certificate._subjectAlternativeNames().compactMap { name in
            let bytes = Array(name.contents)
            switch name.nameType {
            case .dnsName: return .dns(String(decoding: bytes, as: UTF8.self).lowercased())
            case .uri: return .uri(String(decoding: bytes, as: UTF8.self))
            case .ipAddress: return .ip(bytes)
            default: return nil
            }
        }
    }
}

extension SubjectName: CustomStringConvertible {
    package var description: String {
        switch self {
        case .dns(let name): "DNS:\(name.printable)"
        case .uri(let name): "URI:\(name.printable)"
        case .ip(let bytes): "IP:\(Self.text(of: bytes))"
        }
    }

    private static func text(of bytes: [UInt8]) -> String {
        let family = bytes.count == 4 ? AF_INET : AF_INET6
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        guard [4, 16].contains(bytes.count), inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil else {
            return "\(bytes)"
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
