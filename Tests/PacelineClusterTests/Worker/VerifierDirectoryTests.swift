import Testing

@testable import PacelineCluster

@Suite("Verifiers that a worker is to serve")
struct VerifierDirectoryTests {
    private static let group = NameDiscovery(Endpoint(host: "verifiers", port: 7411))
    private static let other = NameDiscovery(Endpoint(host: "others", port: 7411))

    private static func addresses(_ hosts: String...) -> [Endpoint] { hosts.map { Endpoint(host: $0, port: 7411) } }

    @Test func namedOnesAndMembersOfGroupsAreOneListWithoutDuplicates() {
        var directory = VerifierDirectory(Self.addresses("10.0.0.2", "b"))
        #expect(directory.endpoints == Self.addresses("10.0.0.2", "b"))
        directory.found(Self.addresses("10.0.0.1", "10.0.0.2"), of: Self.group)
        directory.found(Self.addresses("10.0.0.1", "10.0.0.3"), of: Self.other)
        #expect(directory.endpoints == Self.addresses("10.0.0.1", "10.0.0.2", "10.0.0.3", "b"))
    }

    @Test func aLookUpReplacesTheMembersOfItsOwnGroupAlone() {
        var directory = VerifierDirectory(Self.addresses("a"))
        directory.found(Self.addresses("10.0.0.1", "10.0.0.2"), of: Self.group)
        directory.found(Self.addresses("10.0.0.9"), of: Self.other)
        directory.found(Self.addresses("10.0.0.2"), of: Self.group)
        #expect(directory.endpoints == Self.addresses("10.0.0.2", "10.0.0.9", "a"))
        directory.found([], of: Self.group)
        #expect(directory.endpoints == Self.addresses("10.0.0.9", "a"))
    }

    @Test func membersShowCertificatesOfTheirGroupsNameAndNamedOnesOfTheirOwn() {
        var directory = VerifierDirectory(Self.addresses("10.0.0.1"))
        directory.found(Self.addresses("10.0.0.1", "10.0.0.2"), of: Self.group)
        #expect(directory.certificateNames == [Endpoint(host: "10.0.0.2", port: 7411): "verifiers"])
    }
}
