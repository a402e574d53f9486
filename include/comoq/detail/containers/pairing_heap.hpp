// SPDX-License-Identifier: MIT
#pragma once
#include "intrusive_list.hpp"

#include <utility>

namespace comoq::detail {

/// A node of a PairingHeap, or of an IntrusiveList: of one of them at a time. The Tag tells heaps apart if a type is in
/// several of them.
template <class Tag> class HeapNode : public ListNode<Tag> {
private:
    // In a heap, the next node is the next sibling, and the one before it the sibling before it, or the parent of a
    // first child.
    template <class, class, class> friend class PairingHeap;
    HeapNode *child_ = nullptr;  // the first
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
        root_ = root_ != nullptr ? link(root_, &node) : &node;
    }
    /// The item's key may have changed since it was added.
    void remove(T &item) noexcept {
        Node &node = item;
        Node *const below = join(std::exchange(node.child_, nullptr));
        if (&node == root_) {
            root_ = below;
        } else {
            Node *const before = before_of(node), *const after = after_of(node);
            if (before->child_ == &node)
                before->child_ = after;
            else
                before->next_ = after;
            if (after != nullptr) after->prev_ = before;
            if (below != nullptr) root_ = link(root_, below);
        }
        node.next_ = node.prev_ = nullptr;
    }
    /// The item's key has changed.
    void update(T &item) noexcept {
        remove(item);
        add(item);
    }

private:
    static Node *after_of(const Node &node) noexcept { return static_cast<Node *>(node.next_); }
    static Node *before_of(const Node &node) noexcept { return static_cast<Node *>(node.prev_); }

    /// One of two trees becomes the first child of the other.
    static Node *link(Node *one, Node *other) noexcept {
        if (Before()(*static_cast<T *>(other), *static_cast<T *>(one))) std::swap(one, other);
        other->next_ = one->child_;
        if (one->child_ != nullptr) one->child_->prev_ = other;
        other->prev_ = one;
        one->child_ = other;
        return one;
    }
    /// Makes one tree of siblings: in pairs from the first to the last, then the pairs from the last to the first.
    static Node *join(Node *next) noexcept {
        Node *pairs = nullptr;
        while (next != nullptr) {
            Node *one = next, *const other = after_of(*one);
            next = other != nullptr ? after_of(*other) : nullptr;
            one->next_ = one->prev_ = nullptr;
            if (other != nullptr) {
                other->next_ = other->prev_ = nullptr;
                one = link(one, other);
            }
            one->next_ = pairs;
            pairs = one;
        }
        Node *root = nullptr;
        while (pairs != nullptr) {
            Node *const one = std::exchange(pairs, after_of(*pairs));
            one->next_ = nullptr;
            root = root != nullptr ? link(root, one) : one;
        }
        return root;
    }

    Node *root_ = nullptr;
};

}  // namespace comoq::detail
