#pragma once
#include <utility>

namespace comoq::detail {

/// A node of a PairingHeap. The Tag tells heaps apart if a type is in several of them.
template <class Tag> class HeapNode {
public:
    HeapNode() = default;
    HeapNode(const HeapNode &) = delete;
    HeapNode &operator=(const HeapNode &) = delete;

    bool is_in_heap() const noexcept { return is_in_; }

private:
    template <class, class, class> friend class PairingHeap;
    HeapNode *child_ = nullptr;     // the first
    HeapNode *sibling_ = nullptr;   // the next
    HeapNode *previous_ = nullptr;  // the sibling before it, or the parent of a first child
    bool is_in_ = false;
};

/// A heap of objects that live elsewhere and are removed before they die. `Before()(one, other)` is a strict weak order.
/// It allocates nothing. Adding takes constant time; removing takes logarithmic time, averaged over all calls.
template <class T, class Before, class Tag = T> class PairingHeap {
public:
    using Node = HeapNode<Tag>;

    bool empty() const noexcept { return root_ == nullptr; }
    /// The object that goes before all others; null if there is none.
    T *top() const noexcept { return static_cast<T *>(root_); }

    void add(T &item) noexcept {
        Node &node = item;
        node.is_in_ = true;
        root_ = root_ != nullptr ? link(root_, &node) : &node;
    }
    /// The item's key may have changed since it was added.
    void remove(T &item) noexcept {
        Node &node = item;
        Node *const below = join(std::exchange(node.child_, nullptr));
        if (&node == root_) {
            root_ = below;
        } else {
            (node.previous_->child_ == &node ? node.previous_->child_ : node.previous_->sibling_) = node.sibling_;
            if (node.sibling_ != nullptr) node.sibling_->previous_ = node.previous_;
            if (below != nullptr) root_ = link(root_, below);
        }
        node.sibling_ = node.previous_ = nullptr;
        node.is_in_ = false;
    }
    /// The item's key has changed.
    void update(T &item) noexcept {
        remove(item);
        add(item);
    }

private:
    /// One of two trees becomes the first child of the other.
    static Node *link(Node *one, Node *other) noexcept {
        if (Before()(*static_cast<T *>(other), *static_cast<T *>(one))) std::swap(one, other);
        other->sibling_ = one->child_;
        if (one->child_ != nullptr) one->child_->previous_ = other;
        other->previous_ = one;
        one->child_ = other;
        return one;
    }
    /// Makes one tree of siblings: in pairs from the first to the last, then the pairs from the last to the first.
    static Node *join(Node *next) noexcept {
        Node *pairs = nullptr;
        while (next != nullptr) {
            Node *one = next, *const other = one->sibling_;
            next = other != nullptr ? other->sibling_ : nullptr;
            one->sibling_ = one->previous_ = nullptr;
            if (other != nullptr) {
                other->sibling_ = other->previous_ = nullptr;
                one = link(one, other);
            }
            one->sibling_ = pairs;
            pairs = one;
        }
        Node *root = nullptr;
        while (pairs != nullptr) {
            Node *const one = std::exchange(pairs, pairs->sibling_);
            one->sibling_ = nullptr;
            root = root != nullptr ? link(root, one) : one;
        }
        return root;
    }

    Node *root_ = nullptr;
};

}  // namespace comoq::detail
