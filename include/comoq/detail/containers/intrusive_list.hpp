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

/// A list of objects that live elsewhere and are removed before they die. Guarded by the lock of its owner.
template <class T, class Tag = T> class IntrusiveList {
public:
    using Node = ListNode<Tag>;

    bool empty() const noexcept { return head_ == nullptr; }
    T *front() const noexcept { return cast(head_); }
    T *back() const noexcept { return cast(tail_); }
    static T *after(T &item) noexcept { return cast(static_cast<Node &>(item).next_); }

    void push_back(T &item) noexcept {
        Node &node = item;
        node.prev_ = tail_;
        node.next_ = nullptr;
        (tail_ != nullptr ? tail_->next_ : head_) = &node;
        tail_ = &node;
    }
    void remove(T &item) noexcept {
        Node &node = item;
        (node.prev_ != nullptr ? node.prev_->next_ : head_) = node.next_;
        (node.next_ != nullptr ? node.next_->prev_ : tail_) = node.prev_;
        node.prev_ = node.next_ = nullptr;
    }

private:
    static T *cast(Node *node) noexcept { return static_cast<T *>(node); }

    Node *head_ = nullptr;
    Node *tail_ = nullptr;
};

}  // namespace comoq::detail
