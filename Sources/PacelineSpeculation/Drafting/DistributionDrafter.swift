/// A drafter that tells the distribution from which a token can be drawn. The p/q rules need it; production does not.
package protocol DistributionDrafter: Drafter {
    /// Tokens that it can take into account; it tells no distribution behind more.
    var contextLength: Int { get }

    /// Its distribution of the token after a node, as the sampling parameters change it. There is no noise in it.
    ///
    /// - Parameters:
    ///   - tree: the tree below the current base.
    ///   - node: `nil` is the base.
    mutating func law(_ tree: TokenTree, after node: NodeIndex?) throws -> TokenDistribution
}
