VACUUM studio.orders, studio.uploads, lifecycle.item
