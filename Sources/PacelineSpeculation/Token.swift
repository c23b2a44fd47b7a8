/// A token id: an index into the vocabulary that target and drafters share.
package typealias Token = UInt32
