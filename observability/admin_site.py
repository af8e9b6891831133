"""The operators' site: Django admin over every model."""

from django.contrib.admin import AdminSite


class ObservatoryAdminSite(AdminSite):
    site_header = "Observatory administration"
    site_title = "Observatory administration"
    index_title = "Operators"
