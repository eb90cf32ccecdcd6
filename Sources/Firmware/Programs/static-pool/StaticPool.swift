/// Classes, closures and arrays on a pool of static memory. At the end it takes more than there is.

private final class Node {
  let value: Int
  let next: Node?
  init(_ value: Int, before next: Node?) { (self.value, self.next) = (value, next) }
}

private func list(of count: Int) -> Node? {
  var head: Node?
  for value in 0..<count { head = Node(value, before: head) }
  return head
}

private func sum(_ list: Node?) -> Int {
  var (node, sum) = (list, 0)
  while let here = node { (node, sum) = (here.next, sum + here.value) }
  return sum
}

/// A closure with state of its own, on the heap.
@inline(never)
private func counter(from start: Int) -> () -> Int {
  var count = start
  return {
    count += 1
    return count
  }
}

@c(main)
func main() -> Never {
  console.configure()
  console.print("classes ")
  console.print(UInt(sum(list(of: 20))))
  let next = counter(from: 40)
  _ = next()
  console.print("\nclosures ")
  console.print(UInt(next()))
  var array: [Int] = []
  for number in 0..<100 { array.append(number * number) }
  console.print("\narrays ")
  console.print(UInt(array.reduce(0, +)))
  console.print("\n")
  #if FreeList
    // A hundred times what the pool could hold.
    for _ in 0..<20_000 { _ = counter(from: 1)() + sum(list(of: 10)) }
    console.print("given back\n")
  #endif
  var hoard: Node?
  while true { hoard = Node(0, before: hoard) }
}
