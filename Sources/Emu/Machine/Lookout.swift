import CoreShim

/// Looks at a run that goes on: it is told of every instruction at some addresses before it is begun, out of translated code. None
/// of it is part of the machine: a run with it is the run without, to the last digest, and without it nothing is slower.
open class Lookout {
  /// As the pc has them, on any hart; ascending.
  public let addresses: [UInt64]

  public init(at addresses: Set<UInt64>) { self.addresses = addresses.sorted() }

  /// An instruction comes next. It may be asked what the hart and memory hold; nothing may be changed, and the machine itself
  /// stands where its turn began.
  ///
  /// - Parameters:
  ///   - place: of its address in `addresses`.
  ///   - index: the machine's, of this instruction.
  open func look(_ place: Int, index: UInt64, hart: Hart) {}

  /// A guest reset: what was on the way is over.
  open func forget() {}
}

extension Hart {
  /// - Parameter lookout: kept by the machine.
  final func set(_ lookout: Lookout?) {
    self.lookout = lookout.map { Unmanaged.passUnretained($0) }
    let addresses = lookout?.addresses ?? []
    let isSet = core_set_looks(
      core, addresses, addresses.count,
      { context, place, index in
        guard let context else { return }
        Unmanaged<Hart>.fromOpaque(context)._withUnsafeGuaranteedRef { hart in
          hart.lookout?._withUnsafeGuaranteedRef {
            $0.look(place, index: index &+ hart.indexOffset, hart: hart)
          }
        }
      }, Unmanaged.passUnretained(self).toOpaque())
    precondition(isSet, "no memory for \(addresses.count) places to look at")
  }
}
