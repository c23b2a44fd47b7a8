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

    @Test func ofALargeFleetEachWorkerServesItsShareAndKeepsItAsOthersComeAndGo() throws {
        let fleet = (0..<100).map { Endpoint(host: "10.0.1.\($0)", port: 7411) }
        var counts: [Endpoint: Int] = [:]
        var changed = 0
        for worker in 0..<1000 as Range<UInt64> {
            var directory = VerifierDirectory(Self.addresses("named"), memberLimit: 8, salt: worker &* 0x9e37_79b9)
            directory.found(fleet, of: Self.group)
            let served = directory.endpoints
            #expect(served.count == 9 && served.contains(Self.addresses("named")[0]) && directory.knownCount == 101)
            for endpoint in served { counts[endpoint, default: 0] += 1 }
            directory.found(Array(fleet.dropLast()), of: Self.group)
            let left = directory.endpoints
            changed += Set(served).symmetricDifference(left).count
            #expect(left.count == 9 && Set(left).symmetricDifference(served).count <= 2)
        }
        // 80 links each in the mean, with a deviation of 9.
        #expect(fleet.allSatisfy { (45...120).contains(counts[$0] ?? 0) })
        #expect(changed == 2 * (counts[fleet[99]] ?? 0))
    }
}
