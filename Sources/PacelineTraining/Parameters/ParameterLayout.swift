/// Where the named tensors of a head lie in its flat array of parameters.
///
/// Gradients and the optimiser's moments have the same layout, so that one loop updates them all, and a checkpoint is
/// three arrays.
package struct ParameterLayout: Equatable, Sendable {
    /// A tensor with a name; a vector has one row.
    package struct Tensor: Equatable, Sendable {
        package let name: String
        package let slice: ParameterSlice
    }

    package private(set) var tensors: [Tensor] = []
    /// How many numbers all tensors have together.
    package private(set) var count = 0

    package init() {}

    /// Appends a matrix of `rows` × `columns`.
    package mutating func matrix(_ name: String, rows: Int, columns: Int) -> ParameterSlice {
        let slice = ParameterSlice(offset: count, rows: rows, columns: columns, stride: columns)
        tensors.append(Tensor(name: name, slice: slice))
        count += rows * columns
        return slice
    }

    /// Appends a vector.
    package mutating func vector(_ name: String, _ length: Int) -> ParameterSlice {
        matrix(name, rows: 1, columns: length)
    }

    /// The tensor with this name.
    package subscript(name: String) -> ParameterSlice? {
        tensors.first { $0.name == name }?.slice
    }
}

/// A matrix inside a flat array of parameters, or some columns of one.
package struct ParameterSlice: Equatable, Sendable {
    package let offset: Int
    package let rows: Int
    package let columns: Int
    /// From one row to the next.
    package let stride: Int

    package var count: Int { rows * columns }
    /// The numbers, if they are consecutive.
    package var range: Range<Int> { offset..<offset + count }
    /// It as an operand of products.
    var operand: MatrixProduct.Operand { MatrixProduct.Operand(offset: offset, stride: stride) }

    /// Some of the columns.
    func columns(_ range: Range<Int>) -> ParameterSlice {
        ParameterSlice(offset: offset + range.lowerBound, rows: rows, columns: range.count, stride: stride)
    }
}
