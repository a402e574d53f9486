// SPDX-License-Identifier: MIT
#pragma once

namespace comoq::detail {

/// A node of an IntrusiveList. The Tag tells lists apart if a type is in several of them.
template <class Tag> class ListNode {
public:
    ListNode() = default;
    ListNode(const ListNode &) = delete;
    ListNode &operator=(const ListNode &) = delete;

private:
    template <class, class> friend class IntrusiveList;
    template <class, class, class> friend class PairingHeap;
    ListNode *prev_ = nullptr;
    ListNode *next_ = nullptr;
};

/// A list of objects that live elsewhere and are removed before they die. Guarded by the lock of its owner. It is one
/// pointer, because many objects have lists that are empty: the first item's `prev_` is the last one.
template <class T, class Tag = T> class IntrusiveList {
public:
    using Node = ListNode<Tag>;

    bool empty() const noexcept { return head_ == nullptr; }
    T *front() const noexcept { return cast(head_); }
    T *back() const noexcept { return cast(head_ != nullptr ? head_->prev_ : nullptr); }
    static T *after(T &item) noexcept { return cast(static_cast<Node &>(item).next_); }

    void push_back(T &item) noexcept {
        Node &node = item;
        node.next_ = nullptr;
        if (head_ == nullptr) {
            head_ = node.prev_ = &node;
            return;
        }
        node.prev_ = head_->prev_;
        node.prev_->next_ = head_->prev_ = &node;
    }
    void remove(T &item) noexcept {
        Node &node = item;
        (&node == head_ ? head_ : node.prev_->next_) = node.next_;
        if (Node *const before = node.next_ != nullptr ? node.next_ : head_) before->prev_ = node.prev_;
        node.prev_ = node.next_ = nullptr;
    }

private:
    static T *cast(Node *node) noexcept { return static_cast<T *>(node); }

    Node *head_ = nullptr;
};

}  // namespace comoq::detail
