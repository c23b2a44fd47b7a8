import Foundation
import Glibc
import Testing

@testable import PacelineCluster

@Suite("A shared token")
struct SharedTokenTests {
    private static func file(_ text: String, mode: Int) throws -> String {
        let url = FileManager.default.temporaryDirectory.appending(path: "paceline-token-\(UUID().uuidString)")
        try Data(text.utf8).write(to: url)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: url.path)
        return url.path
    }

    private static func token(_ text: String) throws -> SharedToken {
        try SharedToken(Array(text.utf8), source: "a test")
    }

    @Test("is what a file holds, without the white space round it")
    func fromFile() throws {
        let path = try Self.file(" \t0123456789 abcdef\r\n\n", mode: 0o600)
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try SharedToken(file: path) == Self.token("0123456789 abcdef"))
        #expect(try SharedToken(file: path) != Self.token("0123456789abcdefg"))
    }

    @Test("is not read from a file that others can read or change", arguments: [0o644, 0o640, 0o604, 0o620, 0o601])
    func exposed(mode: Int) throws {
        let path = try Self.file("0123456789abcdef", mode: mode)
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: PrivateFileError.exposed(path: path, mode: UInt32(mode))) { try SharedToken(file: path) }
    }

    @Test("is read from a file that nobody may change", arguments: [0o400, 0o600, 0o700])
    func closed(mode: Int) throws {
        let path = try Self.file("0123456789abcdef", mode: mode)
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: Never.self) { try SharedToken(file: path) }
    }

    @Test("may be readable by a group where that is the process's only way to it, as in a Secret of Kubernetes")
    func groups() {
        let (root, user): (uid_t, uid_t) = (0, 65532)
        for mode: mode_t in [0o440, 0o640, 0o400] {
            #expect(PrivateFile.isClosed(mode: mode, owner: root, user: user))
        }
        // The user could close it, so a group that reads it is a mistake.
        #expect(!PrivateFile.isClosed(mode: 0o440, owner: user, user: user))
        #expect(!PrivateFile.isClosed(mode: 0o440, owner: root, user: root))
        // A group that writes, a group that executes, and everybody else.
        for mode: mode_t in [0o460, 0o450, 0o444, 0o442, 0o441] {
            #expect(!PrivateFile.isClosed(mode: mode, owner: root, user: user))
        }
    }

    @Test("is not read from a folder, a device or a file that is not there")
    func noFile() {
        #expect(throws: PrivateFileError.notAFile(path: "/dev/null")) { try SharedToken(file: "/dev/null") }
        #expect(throws: PrivateFileError.notAFile(path: "/")) { try SharedToken(file: "/") }
        let missing = PrivateFileError.unreadable(path: "/no/such/file", reason: "No such file or directory")
        #expect(throws: missing) { try SharedToken(file: "/no/such/file") }
    }

    @Test("is neither short nor endless, white space not counted", arguments: [0, 15, 4097, 100_000])
    func wrongLength(count: Int) throws {
        let text = "\n" + String(repeating: "x", count: count) + "   \n"
        #expect(throws: SharedTokenError(count: count, source: "a test")) { try Self.token(text) }
        let path = try Self.file(text, mode: 0o600)
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(throws: SharedTokenError.self) { try SharedToken(file: path) }
    }

    @Test("shows itself in no description")
    func secrecy() throws {
        let token = try Self.token("correct horse battery staple")
        var configuration = LinkConfiguration()
        configuration.token = token
        var text = "\(token) \(String(reflecting: token)) \(configuration)"
        dump(configuration, to: &text)
        #expect(!text.contains("horse") && !text.contains("636f7272"))
    }
}
